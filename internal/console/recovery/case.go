package recovery

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/graphclient"
)

// A kase is a case as the pages show it.
type kase struct {
	ID, Number, Tag, State string
	Who                    who
	Opened, Closed, Until  time.Time
	OpenedAs, OpenedBy     string
	OpenerID               string
	Channel, Note, Ticket  string
	Lost                   []string
	Device                 string // id
	Proofs                 []proof
	Approvals              []approval
	Pass                   *pass
	Used                   time.Time
	Registered             []registered
	Outcome, Why           string
	Disputed               *dispute
	Changes                []renewed

	Class   string
	Level   string   // that the proofs show now
	Grant   *grant   // what that is good for
	Missing int      // approvals
	Hands   []string // the ways that a pass may go
	Shut    []string // those of them whose reader has nothing to open the link with
	ReadyAt time.Time
}

// who is the person of a case.
type who struct{ ID, Name, Username string }

// A proof is one answer to who asks.
type proof struct {
	Kind, Level, By, ByID, Contact, Note string
	At                                   time.Time
	Numbered                             bool // who asks read them the number of the case
}

// An approval is the word of somebody who is not the one that asks.
type approval struct {
	By, ByID, Part, Note string
	At                   time.Time
	Numbered             bool
}

// A pass is what was issued.
type pass struct {
	ID, By, ByID, Purpose string
	Hand                  string // how it reached the person
	At, Ends              time.Time
	Once                  bool
}

// registered is something that was set up with the pass.
type registered struct {
	ID, Kind string
	At       time.Time
}

// renewed is something that the person is known or reached by, and when it was changed.
type renewed struct {
	Property string
	At       time.Time
	Fresh    bool // too short a time ago to prove anything
}

type dispute struct {
	By, Note string
	At       time.Time
}

// A grant is what a level of proof is good for.
type grant struct {
	Level                        string
	Minutes, Approvals, CoolDown int
	Once                         bool
	Purposes                     []string
}

// Waits reports whether no pass has been issued yet and one may still be.
func (k kase) Waits() bool { return slices.Contains([]string{"open", "proven", "approved"}, k.State) }

// Lives reports whether the case waits for somebody.
func (k kase) Lives() bool { return slices.Contains(living, k.State) }

// living are the states in which a case waits for somebody, the most urgent first.
var living = []string{"disputed", "approved", "proven", "open", "passIssued", "used"}

// over are the states of cases that ended.
var over = []string{"closed", "cancelled", "refused", "expired", "reverted"}

func part(o graphclient.Object, name string) graphclient.Object {
	m, _ := o[name].(map[string]any)
	return m
}

func number(o graphclient.Object, name string) int {
	n, _ := o[name].(float64)
	return int(n)
}

func texts(o graphclient.Object, name string) []string {
	items, _ := o[name].([]any)
	var all []string
	for _, one := range items {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// isNumber reports whether somebody typed the number of a case, and returns it as cases have it.
func isNumber(typed string) (string, bool) {
	text := strings.ToUpper(strings.Join(strings.Fields(typed), ""))
	if text = strings.ReplaceAll(text, "-", ""); len(text) == 7 { // six characters, of which the first may be an R, too
		text = strings.TrimPrefix(text, "R")
	}
	if len(text) != 6 || strings.ContainsFunc(text, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) {
		return "", false
	}
	return "R-" + text, true
}

// Asked reports whether somebody waits at the sign-in page, where the number of k stands. It is for them to
// say, so the console does not show it meanwhile.
func (k kase) Asked() bool { return k.OpenedAs == "self" && k.Waits() }

// ManagerAsked reports whether the manager may have been asked by mail to approve: only where the person asks by themselves.
func (k kase) ManagerAsked() bool { return k.OpenedAs == "self" && k.Class == "everyone" }

// Kind is the purpose without the device that it names.
func (p pass) Kind() string {
	kind, _, _ := strings.Cut(p.Purpose, ":")
	if kind == "" {
		return "general"
	}
	return kind
}
