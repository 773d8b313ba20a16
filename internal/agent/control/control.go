// Package control is how the commands of postern-agent reach the agent that runs: a socket
// in the state folder, which only the folder's owner can enter, and whose peers are checked
// all the same.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/internal/agent/peer"
	"github.com/postern-id/postern/internal/fault"
)

// Name is that of the socket in the state folder.
const Name = "agent.sock"

// Faults of the control socket.
var (
	// ErrNone says that no agent runs.
	ErrNone = &fault.Error{
		Kind: fault.Unavailable, Code: "agentNotRunning",
		Text: "No postern-agent runs with this state.", Remedy: "Start it: systemctl start postern-agent",
	}
	ErrPeer = &fault.Error{
		Kind: fault.Forbidden, Code: "agentPeer",
		Text: "Only root and the agent's own user may steer the agent.", Remedy: "Use sudo.",
	}
)

// A Call serves one command; what it returns is sent as JSON.
type Call func(ctx context.Context) (any, error)

type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *fault.Error    `json:"error,omitempty"`
	Text   string          `json:"text,omitempty"` // of an error that is no fault
}

// Serve answers calls by name on the socket in folder until ctx ends.
func Serve(ctx context.Context, folder string, calls map[string]Call, log *slog.Logger) error {
	path := filepath.Join(folder, Name)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // one that was left: the state is locked
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	for name, call := range calls {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) { reply(w, r, call, log) })
	}
	site := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, MaxHeaderBytes: 4 << 10,
		ConnContext: withPeer,
	}
	done := make(chan error, 1)
	go func() { done <- site.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = site.Shutdown(short) // a command that waits longer is cut off
	return nil
}

// allowed reports whether root or the agent's own user is at the other end.
func allowed(conn net.Conn) bool {
	from, err := peer.Of(conn)
	return err == nil && (from.UID == 0 || int64(from.UID) == int64(os.Geteuid()))
}

type peerKey struct{}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, allowed(conn))
}

func reply(w http.ResponseWriter, r *http.Request, call Call, log *slog.Logger) {
	var out answer
	var result any
	failed := error(ErrPeer)
	if ok, _ := r.Context().Value(peerKey{}).(bool); ok {
		result, failed = call(r.Context())
	}
	if failed == nil {
		out.Result, failed = json.Marshal(result)
	}
	if failed != nil {
		log.InfoContext(r.Context(), "command refused", "command", r.URL.Path, "err", failed)
		if f, ok := errors.AsType[*fault.Error](failed); ok {
			out.Error = f
		} else {
			out.Text = failed.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // who asked is gone, or reads it
}

// Ask calls a command of the agent that runs on folder and decodes what it returns into out
// unless that is nil. Without an agent it is ErrNone.
func Ask(ctx context.Context, folder, name string, out any) error {
	path := filepath.Join(folder, Name)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://agent/"+name, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	res, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrNone
	}
	defer func() { _ = res.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	var got answer
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("the agent answered %s", res.Status)
	}
	switch {
	case got.Error != nil:
		return got.Error
	case got.Text != "":
		return errors.New(got.Text)
	case out == nil:
		return nil
	}
	return json.Unmarshal(got.Result, out)
}
