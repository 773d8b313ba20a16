package greeter

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// A wire carries calls both ways between the agent and its greeter: frames of four bytes
// length (big-endian) and JSON.
type wire struct {
	conn   net.Conn
	handle func(ctx context.Context, name string, body json.RawMessage) (any, error)

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan frame
	ended   bool
}

// A frame is a call, or without a name the answer to the call with its number.
type frame struct {
	Number uint64          `json:"number"`
	Name   string          `json:"name,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Fault  *fault.Error    `json:"fault,omitempty"`
	Text   string          `json:"text,omitempty"` // of an error that is no fault
}

const (
	mostBytes   = 256 << 10
	mostCalls   = 16 // of the other side, at once
	writeWithin = 5 * time.Second
)

// errGone says that nobody is at the other end.
var errGone = errors.New("the other end of the greeter's socket is gone")

// run serves calls and takes answers until the connection ends, and returns when all calls
// that it serves are done.
func (w *wire) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = w.conn.Close() })
	var all sync.WaitGroup
	defer all.Wait()
	defer w.end()
	defer stop()
	defer cancel()
	places := make(chan struct{}, mostCalls)
	for {
		f, err := readFrame(w.conn)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case f.Name == "":
			w.answered(f)
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			return errors.New("too many calls at once")
		}
		all.Go(func() {
			defer func() { <-places }()
			w.serve(ctx, f)
		})
	}
}

func (w *wire) serve(ctx context.Context, f frame) {
	out, err := w.handle(ctx, f.Name, f.Body)
	answer := frame{Number: f.Number}
	if err == nil && out != nil {
		answer.Body, err = json.Marshal(out)
	}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		answer.Fault = told
	}
	if err != nil {
		answer.Text = err.Error()
	}
	_ = w.write(answer) // who asked is gone, or reads it
}

func (w *wire) answered(f frame) {
	w.mu.Lock()
	c := w.waiting[f.Number]
	delete(w.waiting, f.Number)
	w.mu.Unlock()
	if c != nil {
		c <- f
	}
}

// end tells all who wait that no answer comes.
func (w *wire) end() {
	_ = w.conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, c := range w.waiting {
		close(c)
	}
	w.waiting = nil
}

// send begins a call and returns where its answer will come.
func (w *wire) send(name string, in any) (uint64, <-chan frame, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return 0, nil, err
	}
	c := make(chan frame, 1)
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return 0, nil, errGone
	}
	w.last++
	n := w.last
	if w.waiting == nil {
		w.waiting = map[uint64]chan frame{}
	}
	w.waiting[n] = c
	w.mu.Unlock()
	return n, c, w.write(frame{Number: n, Name: name, Body: body})
}

// call calls the other side and waits for its answer.
func (w *wire) call(ctx context.Context, name string, in, out any) error {
	n, answer, err := w.send(name, in)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		w.mu.Lock()
		delete(w.waiting, n)
		w.mu.Unlock()
		return context.Cause(ctx)
	case f, ok := <-answer:
		switch {
		case !ok:
			return errGone
		case f.Fault != nil:
			return fmt.Errorf("%s: %w", name, f.Fault)
		case f.Text != "":
			return errors.New(f.Text)
		case out == nil:
			return nil
		}
		return json.Unmarshal(f.Body, out)
	}
}

func (w *wire) write(f frame) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if len(body) > mostBytes {
		return fmt.Errorf("a frame of %d bytes", len(body))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err = w.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func readFrame(from io.Reader) (frame, error) {
	var head [4]byte
	var f frame
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return f, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > mostBytes {
		return f, fmt.Errorf("a frame of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(from, body); err != nil {
		return f, err
	}
	err := json.Unmarshal(body, &f)
	return f, err
}
