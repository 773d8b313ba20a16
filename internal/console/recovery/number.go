package recovery

import (
	"cmp"
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// Why there is nothing to add the number of a case to.
var (
	errNobodyWaits = &fault.Error{
		Kind: fault.Conflict, Code: "consoleCaseNobodyWaits",
		Text: "Nobody waits at the sign-in page in this case.", Remedy: "The number says who sits there; give the pass to the person yourself.",
	}
	errNothingSaid = &fault.Error{
		Kind: fault.Forbidden, Code: "consoleCaseNothingSaid",
		Text: "You have said nothing in this case that lacks the number.", Remedy: "Who gave their word without it adds it.",
	}
)

// said is what the reader said in a case without the number that who asks reads out.
type said struct {
	Step string // of Graph, which takes the same again with the number
	Body graphclient.Object
}

// said is what r can add the number to: their approval, or the best of their proofs.
func (k kase) said(r reader) *said {
	if !k.Asked() || k.Who.ID == r.ID {
		return nil
	}
	var again *said
	for _, a := range k.Approvals {
		switch {
		case a.ByID != r.ID:
		case a.Numbered:
			return nil
		case r.Approves || a.Part == "manager":
			again = &said{"approve", graphclient.Object{"as": a.Part}}
		}
	}
	best := 0
	for _, p := range k.Proofs {
		attested := p.Kind == "callBack" || p.Kind == "video" || p.Kind == "inPerson"
		if worth := rank(p.Level); r.Handles && attested && p.ByID == r.ID && (worth > best || p.Numbered && worth == best) {
			if best, again = worth, nil; p.Numbered {
				continue
			}
			again = &said{"prove", graphclient.Object{"kind": p.Kind}}
			if p.Contact != "" {
				again.Body["contact"] = p.Contact
			}
		}
	}
	return again
}

// addNumber serves POST /console/recovery/cases/{id}/number: who gave their word says it again, with the
// number that they have been told since.
func addNumber(c *console.Call) error {
	k, err := read(c)
	if err != nil {
		return err
	}
	again := k.said(readerOf(c))
	switch {
	case !k.Asked():
		return showAgain(c, http.StatusConflict, errNobodyWaits)
	case again == nil:
		return showAgain(c, http.StatusForbidden, errNothingSaid)
	}
	again.Body["caseNumber"] = cmp.Or(c.Form("theirs"), "-") // without one, the same would be said without it
	return do(c, again.Step, again.Body, "recovery_number")
}
