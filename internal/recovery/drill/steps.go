package drill

import (
	"errors"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method/hello"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/signin"
)

// A Step is one thing between the helpdesk and a person who works again.
type Step struct {
	Name   StepName `json:"name"`
	Result Result   `json:"result"`
	Code   string   `json:"code,omitempty"` // of the fault in the way
	Text   string   `json:"text,omitempty"`
	// Rule is the name of the one in the way, for the helpdesk alone.
	Rule string `json:"rule,omitempty"`
}

// Why is what a report says of s.
func (s Step) Why() string {
	if s.Rule == "" {
		return s.Text
	}
	return "The rule “" + s.Rule + "” is in the way. " + s.Text
}

// StepName names a step; pages have words for each.
type StepName string

// The steps, in their order.
const (
	StepIssue   StepName = "issue"   // a pass would be issued
	StepPlace   StepName = "place"   // it was typed where it has to be
	StepDevice  StepName = "device"  // the device is known, switched on and up to date
	StepRules   StepName = "rules"   // Conditional Access lets a pass in there
	StepMethods StepName = "methods" // a way to sign in could be set up
	StepPIN     StepName = "pin"     // a PIN could be set up on the device, by the rules
	StepKey     StepName = "key"     // its TPM made a key for one, on trial
)

// Result is how a step ended.
type Result string

// The results.
const (
	StepPassed Result = "passed"
	StepFailed Result = "failed"
	NotTried   Result = "notTried"
)

// What is told of steps that no other package has a fault for.
var (
	errPlace    = &fault.Error{Kind: fault.Invalid, Code: "drillPlace", Text: "It was to be typed at the lock screen of a device, and was not.", Remedy: "Try it there."}
	errOutdated = &fault.Error{Kind: fault.Invalid, Code: "drillDeviceOutdated", Text: "The device did not report for long, or what it reports is not as it should be.", Remedy: "Run postern-agent doctor there."}
	errNoWay    = &fault.Error{Kind: fault.Invalid, Code: "drillNoMethods", Text: "No method could be set up that works once the pass is over.", Remedy: "Let this person use a passkey or the authenticator app."}
)

// Facts are what the steps are decided by.
type Facts struct {
	Where  Where
	Now    time.Time
	Issue  error // why no pass would be issued; nil when it would
	Said   signin.Foreseen
	Device *DeviceFacts // where it was typed; nil elsewhere
	Would  signin.Proof
}

// DeviceFacts are of the joined device that proved itself.
type DeviceFacts struct {
	Device   directory.Device
	Seen     *signin.Device
	UpToDate bool // it reported lately that all is well
	PIN      hello.Settings
}

// Steps decides every step. One that comes after one that failed is decided all the same, as far
// as that can be: a report with all that is wrong saves the next drill.
func (f Facts) Steps() []Step {
	all := []Step{step(StepIssue, f.Issue), step(StepPlace, nil)}
	if f.Where == AtLockScreen && f.Device == nil {
		all[1] = step(StepPlace, errPlace)
	}
	if f.Device != nil {
		err := f.Device.Device.Usable()
		if err == nil && !f.Device.UpToDate {
			err = errOutdated
		}
		all = append(all, step(StepDevice, err))
	} else {
		all = append(all, Step{Name: StepDevice, Result: NotTried})
	}
	if f.Issue != nil {
		return append(append(all, Step{Name: StepRules, Result: NotTried}), f.after()...)
	}
	rules := step(StepRules, nil)
	if f.Said.Refused != nil {
		rules = step(StepRules, f.Said.Refused)
		rules.Rule = f.Said.Rule
	}
	return append(append(all, rules), f.after()...)
}

// after are the steps after the sign-in.
func (f Facts) after() []Step {
	switch {
	case f.Device == nil && len(f.Said.Registers) == 0:
		return []Step{step(StepMethods, errNoWay)}
	case f.Device == nil:
		return []Step{step(StepMethods, nil)}
	case f.Issue != nil:
		return []Step{{Name: StepPIN, Result: NotTried}, {Name: StepKey, Result: NotTried}}
	}
	session := signin.Session{Device: f.Device.Seen, Proofs: []signin.Proof{f.Would}}
	pin := step(StepPIN, hello.MaySetUp(f.Device.Device, session, f.Device.PIN, f.Now))
	return []Step{pin, f.key(pin)}
}

func step(name StepName, err error) Step {
	if err == nil {
		return Step{Name: name, Result: StepPassed}
	}
	s := Step{Name: name, Result: StepFailed, Code: "unknown", Text: err.Error()}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		s.Code, s.Text = f.Code, f.Text
	}
	return s
}

// would is what a pass for r would be now.
func would(policy tap.Policy, r tap.Request, now time.Time) (*signin.Proof, error) {
	p, err := tap.Decide(policy, r, now)
	if err != nil && !errors.Is(err, tap.ErrCheckMissing) { // who asks is checked by somebody
		return nil, err
	}
	proof := tap.ProofOf(p, policy, now)
	return &proof, nil
}
