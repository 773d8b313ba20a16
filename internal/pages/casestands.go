package pages

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
)

// What a page says of an approved case: its pass is for this browser to see, or comes another way.
const (
	issuable  = "issuable"
	elsewhere = "elsewhere"
)

// caseStands is where a case stands for the browser of c: one of recovery's states, issuable or
// elsewhere. On trial, what is issuable is only noted.
func (s *Site) caseStands(ctx context.Context, c claim.Claim, v recovery.View) (state string, trial bool, err error) {
	if v.State != recovery.Approved {
		return string(v.State), false, nil
	}
	holder, err := c.Holder(ctx, s.SignIn.Secrets.MAC)
	if err != nil {
		return "", false, err
	}
	heard := v.Stands.HeardFrom(holder)
	alone := len(heard.Approvers(v.Policy, v.Subject.Class, s.Now())) == 0 // nobody but the person themselves
	switch {
	case heard.Settled(v.Policy, v.Subject, s.Now()).State != recovery.Approved: // somebody spoke with the person, and not about this browser
		return string(recovery.Proven), false, nil
	case !slices.Contains(v.Policy.HandsOf(v.Subject.Class), recovery.HandBrowser), alone && v.Policy.SelfService == recovery.SelfOff:
		return elsewhere, false, nil
	}
	return issuable, alone && v.Policy.SelfService == recovery.SelfEvaluation, nil
}

// standsText changes when the page of a case has something else to say.
func standsText(state string, v recovery.View) string {
	return state + "-" + strconv.Itoa(len(v.Proofs))
}

// showCaseStands serves GET /recover/case/stands: what the script of the page compares with what it
// shows. It is empty where the browser holds no case.
func (s *Site) showCaseStands(w http.ResponseWriter, r *http.Request) error {
	c, v, ok, err := s.claimed(r)
	if err != nil {
		return err
	}
	stands := ""
	if ok {
		state, _, err := s.caseStands(r.Context(), c, v)
		if err != nil {
			return err
		}
		stands = standsText(state, v)
	}
	return answerJSON(w, map[string]string{"stands": stands})
}
