package pages

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-id/postern/internal/signin"
)

// stamped notes when the first byte of an answer comes.
type stamped struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (s *stamped) WriteHeader(status int) {
	s.at = time.Now()
	s.ResponseRecorder.WriteHeader(status)
}

func TestAHeldAnswerComesNoSoonerWhateverItIs(t *testing.T) {
	const hold = 300 * time.Millisecond
	for name, c := range map[string]struct {
		work time.Duration
		h    handler
		want time.Duration
	}{
		"a redirect":            {0, func(w http.ResponseWriter, r *http.Request) error { return redirect(w, r, "/") }, hold},
		"a redirect after work": {200 * time.Millisecond, func(w http.ResponseWriter, r *http.Request) error { return redirect(w, r, "/") }, hold},
		"a fault":               {0, func(http.ResponseWriter, *http.Request) error { return ErrCaseElsewhere }, hold},
		"work for longer":       {time.Second, func(w http.ResponseWriter, r *http.Request) error { return redirect(w, r, "/") }, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := &Site{SignIn: &signin.Service{Hold: hold}}, &stamped{ResponseRecorder: httptest.NewRecorder()}
				began := time.Now()
				err := s.held(func(w http.ResponseWriter, r *http.Request) error {
					time.Sleep(c.work) // of the bubble
					return c.h(w, r)
				})(w, httptest.NewRequest(http.MethodGet, casePath, nil))
				if err != nil {
					w.WriteHeader(http.StatusBadRequest) // as guard does
				}
				if got := w.at.Sub(began); got != c.want {
					t.Errorf("answered after %v, want %v", got, c.want)
				}
			})
		})
	}
}
