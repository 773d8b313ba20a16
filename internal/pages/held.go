package pages

import (
	"net/http"
	"sync"
	"time"
)

// held is h whose answers, faults too, come no sooner than signin.Service.Hold after the request:
// what is done for a person takes longer than what is done for a name that nobody has.
func (s *Site) held(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		deadline := time.NewTimer(s.SignIn.Hold)
		defer deadline.Stop()
		late := &lateWriter{ResponseWriter: w, wait: sync.OnceFunc(func() {
			select {
			case <-deadline.C:
			case <-r.Context().Done():
			}
		})}
		defer late.wait()
		return h(late, r)
	}
}

// A lateWriter waits before the first byte of an answer.
type lateWriter struct {
	http.ResponseWriter
	wait func()
}

// WriteHeader implements http.ResponseWriter.
func (w *lateWriter) WriteHeader(status int) {
	w.wait()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *lateWriter) Write(p []byte) (int, error) {
	w.wait()
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *lateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
