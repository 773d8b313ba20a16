package recovery

import (
	"slices"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/method/tap"
)

// A Case is one person's recovery.
type Case struct {
	Tenant directory.TenantID `json:"-"`
	ID     string             `json:"-"` // UUID
	Number string             `json:"-"` // to say on the phone: R-7K4MQ2; no secret, but while somebody waits at the sign-in page, theirs to say
	User   directory.UserID   `json:"-"` // who needs help

	State    CaseState `json:"-"`
	OpenedAt time.Time `json:"-"`
	Version  int64     `json:"-"` // grows with every change
	// Unreadable: what is below can't be read. It stands where a case is one of many, and counts as doubt.
	Unreadable bool `json:"-"`

	Opener  Opener    `json:"opener"`
	Channel Channel   `json:"channel"`
	Lost    []Failure `json:"lost,omitempty"`
	Device  string    `json:"device,omitempty"` // device id of the computer that it is about
	Note    string    `json:"note,omitempty"`
	Ticket  string    `json:"ticket,omitempty"`

	Proofs    []Proof    `json:"proofs,omitempty"`
	Approvals []Approval `json:"approvals,omitempty"`
	Asks      []Ask      `json:"asks,omitempty"` // to an identity-proofing service

	Pass       *Issued      `json:"pass,omitempty"`
	UsedAt     time.Time    `json:"usedAt,omitzero"`
	Registered []Registered `json:"registered,omitempty"`

	Outcome   Outcome   `json:"outcome,omitempty"`
	Why       string    `json:"why,omitempty"` // in words of who ended or disputed it
	ClosedAt  time.Time `json:"closedAt,omitzero"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // unless a pass is issued before
	Disputed  *Dispute  `json:"disputed,omitempty"`
}

// A CaseState is where a case stands; the package comment has the diagram.
type CaseState string

// The states.
const (
	Open       CaseState = "open"
	Proven     CaseState = "proven"
	Approved   CaseState = "approved"
	PassIssued CaseState = "passIssued"
	Used       CaseState = "used"
	Closed     CaseState = "closed"
	Cancelled  CaseState = "cancelled"
	Refused    CaseState = "refused"
	Expired    CaseState = "expired"
	Disputed   CaseState = "disputed"
	Reverted   CaseState = "reverted"
)

// CaseStates are all states. A released case has the state that it had before the dispute.
var CaseStates = []CaseState{Open, Proven, Approved, PassIssued, Used, Closed, Cancelled, Refused, Expired, Disputed, Reverted}

// Waits reports whether no pass has been issued yet and one may still be.
func (s CaseState) Waits() bool { return s == Open || s == Proven || s == Approved }

// Over reports whether nothing more happens, but a dispute.
func (s CaseState) Over() bool {
	return s == Closed || s == Cancelled || s == Refused || s == Expired || s == Reverted
}

// An Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Recovered     Outcome = "recovered"     // something was registered with the pass
	SignedIn      Outcome = "signedIn"      // the pass was used, and nothing registered
	NeverUsed     Outcome = "neverUsed"     // the pass ran out
	NotDecided    Outcome = "notDecided"    // nobody went on with it
	GivenUp       Outcome = "givenUp"       // cancelled
	NotBelieved   Outcome = "notBelieved"   // refused
	Superseded    Outcome = "superseded"    // another case of the person went first
	PassTaken     Outcome = "passRemoved"   // somebody removed or replaced the pass
	Impostor      Outcome = "impostor"      // disputed and reverted
	DisputeLifted Outcome = "disputeLifted" // disputed, and released once the pass was gone
)

// An Opener is who opened a case.
type Opener struct {
	Kind OpenerKind `json:"kind"`
	Person
	// From is where they asked, for people to judge: browser, system and address. Personal.
	From string `json:"from,omitempty"`
	// Network is the network that they asked from, and Known says that the person signed in there
	// before: by these cases make room for others. Personal.
	Network string `json:"network,omitempty"`
	Known   bool   `json:"known,omitempty"`
}

// An OpenerKind is in what part somebody opened a case.
type OpenerKind string

// The kinds of opener.
const (
	ByAgent      OpenerKind = "agent"
	BySelf       OpenerKind = "self"
	ByManager    OpenerKind = "manager"
	ByAutomation OpenerKind = "automation"
)

// OpenerKinds are all kinds.
var OpenerKinds = []OpenerKind{ByAgent, BySelf, ByManager, ByAutomation}

// A Channel is how the person reached us.
type Channel string

// The channels.
const (
	ByPhone      Channel = "phone"
	InPerson     Channel = "inPerson"
	ByChat       Channel = "chat"
	ByMail       Channel = "mail"
	BySignInPage Channel = "signInPage"
	ByAPI        Channel = "api"
)

// Channels are all channels.
var Channels = []Channel{ByPhone, InPerson, ByChat, ByMail, BySignInPage, ByAPI}

// An Approval is the word of somebody who is not the one that asks.
type Approval struct {
	By   Person       `json:"by"`
	Part ApprovalPart `json:"part"`
	At   time.Time    `json:"at"`
	// SignIn is how they were signed in.
	SignIn SignIn `json:"signIn"`
	Note   string `json:"note,omitempty"`
	// Numbered says that they were told the number of the case by who asks.
	Numbered bool `json:"numbered,omitempty"`
}

// An ApprovalPart is in what part somebody approves.
type ApprovalPart string

// The parts.
const (
	AsManager  ApprovalPart = "manager"  // of the person: a proof, and an approval where the person holds no role
	AsApprover ApprovalPart = "approver" // second pair of eyes, by role
)

// A SignIn is what is known of how somebody signed in who takes a step.
type SignIn struct {
	Session string `json:"session,omitempty"`
	// ProvedAt is when they last gave a phishing-resistant proof; zero for never. No pass gives one.
	ProvedAt time.Time `json:"provedAt,omitzero"`
	// ProvedBy is the id of the method that gave it; empty where an upstream did.
	ProvedBy string `json:"provedBy,omitempty"`
	Device   string `json:"device,omitempty"`  // device id of the joined device
	Address  string `json:"address,omitempty"` // personal
	// Pass is the pass behind the sign-in: who is in by a pass vouches for nobody.
	Pass    string `json:"pass,omitempty"`
	Purpose string `json:"purpose,omitempty"`
}

// Issued is the pass that a case led to. The passcode is nowhere.
type Issued struct {
	ID      string      `json:"id"`
	At      time.Time   `json:"at"`
	Ends    time.Time   `json:"ends"`
	Once    bool        `json:"once,omitempty"`
	Purpose tap.Purpose `json:"purpose,omitempty"`
	By      Person      `json:"by"`
	Hand    Hand        `json:"handOver,omitempty"`
}

// Registered is something that was registered with the pass of a case.
type Registered struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
}

// A Dispute says that somebody denies that the case is theirs.
type Dispute struct {
	At   time.Time `json:"at"`
	By   Person    `json:"by"`
	Was  CaseState `json:"was"` // before
	Note string    `json:"note,omitempty"`
}

// Living are the states in which a case waits for somebody.
var Living = []CaseState{Open, Proven, Approved, PassIssued, Used, Disputed}

// Due is when c does something by itself; zero for never.
func (c Case) Due() time.Time {
	switch c.State {
	case Open, Proven, Approved:
		return c.ExpiresAt
	case PassIssued:
		return c.Pass.Ends
	case Used:
		end := c.Pass.Ends
		if c.Pass.Once {
			end = earlier(end, c.UsedAt.Add(registerWithin))
			if len(c.Registered) > 0 {
				end = earlier(end, c.Registered[len(c.Registered)-1].At)
			}
		}
		return end
	}
	return time.Time{}
}

// registerWithin is how long after a one-time pass something can be registered.
const registerWithin = 10 * time.Minute

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// took reports whether u opened c or said who asks: nobody approves what they began themselves.
func (c Case) took(u directory.UserID) bool {
	return c.Opener.is(u) || slices.ContainsFunc(c.Proofs, func(p Proof) bool { return p.By.is(u) })
}

// approvedBy reports whether u approved c, however long ago.
func (c Case) approvedBy(u directory.UserID) bool {
	return slices.ContainsFunc(c.Approvals, func(a Approval) bool { return a.By.is(u) })
}

// tookPart reports whether who, be it an application, opened c, said who asks, approved, or issued the pass.
func (c Case) tookPart(who Person) bool {
	return c.took(who.User) || c.approvedBy(who.User) || c.Opener.same(who) || c.Pass != nil && c.Pass.By.same(who)
}
