package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/console"
)

// A next is the one thing that a case waits for, and whether the reader can do it.
type next struct {
	// Key names the words: recovery_next_{key} and recovery_next_{key}_do.
	Key string
	// Do is the step of the button: prove, approve, issue, pass or decide; empty for no button.
	Do string
}

// A reader is who looks at a case, with what their roles allow.
type reader struct {
	ID                                string
	Handles, Approves, Issues, Judges bool
}

func readerOf(c *console.Call) reader {
	return reader{ID: c.Person.ID, Handles: c.May(handles), Approves: c.May(approves), Issues: c.May(issues), Judges: c.May(judges)}
}

// took reports whether somebody began the case or attested in it: they approve nothing.
func (k kase) took(id string) bool {
	return k.OpenerID == id || slices.ContainsFunc(k.Proofs, func(p proof) bool { return p.ByID == id })
}

// approvedBy reports whether somebody approved the case: they do not issue its pass.
func (k kase) approvedBy(id string) bool {
	return slices.ContainsFunc(k.Approvals, func(a approval) bool { return a.ByID == id })
}

// tookPart reports whether somebody had a hand in what is disputed: they do not say that all was well.
func (k kase) tookPart(id string) bool {
	return k.took(id) || k.approvedBy(id) || k.Pass != nil && k.Pass.ByID == id
}

// next says what k waits for at now.
func (k kase) next(r reader, now time.Time) next {
	own := k.Who.ID == r.ID
	switch k.State {
	case "open":
		if own || !r.Handles {
			return next{Key: "prove_others"}
		}
		if len(k.Proofs) > 0 {
			return next{"prove_more", "prove"}
		}
		return next{"prove", "prove"}
	case "proven":
		switch {
		case own || !r.Approves:
			return next{Key: "approve_others"}
		case k.took(r.ID):
			return next{Key: "approve_not_you"}
		case k.approvedBy(r.ID):
			return next{Key: "approve_more"}
		}
		return next{"approve", "approve"}
	case "approved":
		switch {
		case k.ReadyAt.After(now):
			return next{Key: "cool"}
		case own || !r.Issues:
			return next{Key: "issue_others"}
		case k.Grant != nil && k.Grant.Approvals > 0 && k.approvedBy(r.ID):
			return next{Key: "issue_not_you"}
		}
		return next{"issue", "issue"}
	case "passIssued":
		return next{"use", "pass"}
	case "used":
		return next{"used", "pass"}
	case "disputed":
		if own || !r.Judges {
			return next{Key: "decide_others"}
		}
		return next{"decide", "decide"}
	}
	return next{Key: k.State}
}
