package lockscreen

import (
	"errors"
	"net/http"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/device"
)

// practicePage is practice.html: how a practice ended. It leads back to the tiles and opens nothing.
type practicePage struct {
	frame
	Worked bool
	Steps  []device.TrialStep
}

func (practicePage) file() string { return "practice.html" }

// practised keeps how a practice ended for its page, and returns any other error.
func (s *Screen) practised(a *attempt, err error) error {
	ended, ok := errors.AsType[*agent.Practised](err)
	if !ok {
		return err
	}
	s.still(a, func() {
		a.step, a.practice, a.request, a.show, a.trouble = practising, ended, nil, "", nil
		s.within(a, failTime, nil)
	})
	s.log.InfoContext(a.ctx, "practice", "correlationId", a.id, "worked", ended.Worked)
	return nil
}

// showPractice serves GET /practice.
func (s *Screen) showPractice(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	a := s.attempt
	at, ended := a.step, a.practice
	s.mu.Unlock()
	if at != practising {
		to := places[at]
		if to == "" {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
	p := practicePage{frame: s.frame(r, a), Worked: ended.Worked}
	for _, one := range ended.Steps {
		if _, ok := s.view.words.Find(p.Lang, stepWords(one), nil); ok { // a newer server may look at more
			p.Steps = append(p.Steps, one)
		}
	}
	s.page(w, r, http.StatusOK, p)
	return nil
}

// stepWords is the key of what is said of a step.
func stepWords(one device.TrialStep) string {
	switch one.Result {
	case "passed":
		return "practised_" + one.Name
	case "failed":
		return "practised_" + one.Name + "_not"
	}
	return ""
}
