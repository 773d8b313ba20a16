package userdb

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/agent/peer"
)

func filled(t *testing.T) *Server {
	t.Helper()
	b := newBook(t)
	if _, err := b.Set(listing(account("a", "ada", 200001, finance), account("b", "bob", 200002, finance))); err != nil {
		t.Fatal(err)
	}
	return &Server{Book: b, Log: slog.New(slog.DiscardHandler), Peer: func(net.Conn) (peer.Process, error) { return peer.Process{}, nil }}
}

func TestLookups(t *testing.T) {
	const users, groups, members = "io.systemd.UserDatabase.GetUserRecord", "io.systemd.UserDatabase.GetGroupRecord", "io.systemd.UserDatabase.GetMemberships"
	tests := []struct {
		name, method, parameters string
		more                     bool
		want                     []string // in the answers, in order
	}{
		{"a name", users, `"userName":"ada"`, false, []string{`"uid":200001`}},
		{"a number", users, `"uid":200002`, false, []string{`"userName":"bob"`}},
		{"both", users, `"userName":"ada","uid":200001`, false, []string{`"userName":"ada"`}},
		{"both that differ", users, `"userName":"ada","uid":200002`, false, []string{conflicting}},
		{"a name that is not there", users, `"userName":"eve"`, false, []string{noRecord}},
		{"root", users, `"userName":"root"`, false, []string{noRecord}},
		{"uid 0", users, `"uid":0`, false, []string{noRecord}},
		{"everybody", users, ``, true, []string{`"ada"`, `"bob"`}},
		{"everybody at once", users, ``, false, []string{noMore}},
		{"a group", groups, `"groupName":"finance-200100"`, false, []string{`"gid":200100`}},
		{"somebody's own group", groups, `"gid":200001`, false, []string{`"groupName":"ada"`}},
		{"all groups", groups, ``, true, []string{"ada", "bob", "finance"}},
		{"a person's groups", members, `"userName":"ada"`, true, []string{`"groupName":"finance-200100"`}},
		{"a group's members", members, `"groupName":"finance-200100"`, true, []string{`"ada"`, `"bob"`}},
		{"nobody's groups", members, `"userName":"eve"`, true, []string{noRecord}},
		{"another method", "org.varlink.service.GetInfo", ``, false, []string{noMethod}},
	}
	s := filled(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers := ask(t, s, tt.method, tt.parameters, Name, tt.more)
			if len(answers) != len(tt.want) {
				t.Fatalf("%q, want %q", answers, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(answers[i], want) {
					t.Errorf("answer %d is %s, want %s", i, answers[i], want)
				}
				if goes := strings.Contains(answers[i], `"continues":true`); goes != (i+1 < len(tt.want)) {
					t.Errorf("answer %d: continues is %v", i, goes)
				}
			}
		})
	}
	if got := ask(t, s, users, `"userName":"ada"`, "io.systemd.DropIn", false); !strings.Contains(got[0], badService) {
		t.Errorf("for another service: %s", got)
	}
}

// ask sends one call over a connection and returns the answers.
func ask(t *testing.T, s *Server, method, parameters, service string, more bool) []string {
	t.Helper()
	if parameters != "" {
		parameters += ","
	}
	call, err := json.Marshal(map[string]any{"method": method, "more": more, "parameters": json.RawMessage(`{` + parameters + `"service":"` + service + `"}`)})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if !s.call(call, &out) {
		t.Fatal("the connection was closed")
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00")
}

func TestCallsOfOneConnectionAreAnsweredInOrder(t *testing.T) {
	s := filled(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, name := range []string{"ada", "bob"} {
		if _, err := conn.Write([]byte(`{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"userName":"` + name + `","service":"` + Name + `"}}` + "\x00")); err != nil {
			t.Fatal(err)
		}
	}
	var got []byte
	for buffer := make([]byte, 4096); bytes.Count(got, []byte{0}) < 2; {
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buffer[:n]...)
	}
	if first, second, _ := bytes.Cut(got, []byte{0}); !bytes.Contains(first, []byte("ada")) || !bytes.Contains(second, []byte("bob")) {
		t.Errorf("%q", got)
	}
	if _, err := conn.Write(bytes.Repeat([]byte("x"), 2*maxCall)); err != nil {
		return // closed already
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a call without end is answered")
	}
}

// FuzzCall feeds the service what any program of the machine may send.
func FuzzCall(f *testing.F) {
	f.Add([]byte(`{"method":"io.systemd.UserDatabase.GetUserRecord","parameters":{"userName":"ada","service":"id.postern.Accounts"},"more":true}`))
	f.Add([]byte(`{"method":"io.systemd.UserDatabase.GetMemberships","parameters":{"uid":-1}}`))
	f.Add([]byte(`[`))
	p := &page{users: map[string]user{"ada": {ada}}, byUID: map[uint32]string{200001: "ada"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &Book{}
		b.now.Store(p)
		var out bytes.Buffer
		if (&Server{Book: b}).call(data, &out) && (out.Len() == 0 || out.Bytes()[out.Len()-1] != 0) {
			t.Errorf("%q is answered %q", data, out.Bytes())
		}
	})
}
