package pages

import (
	"errors"
	"net/http"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/recovery/presentation"
	"github.com/postern-id/postern/internal/signin"
)

// casePage is case.html: how the case stands that this browser opened, and what the person can do
// about it. What was asked for is in field ask, the code of a mail in code.
type casePage struct {
	frame
	Number   string
	State    string // one of recovery's states, issuable or elsewhere
	Stands   string // where the script looks whether the page still says what is so; "" for no looking
	OpenedAt time.Time
	EndsAt   time.Time // of the case, or of the pass
	Code     bool      // one may be out, by mail
	Here     bool      // the pass was shown in this browser
	Proofs   []caseProof
	// Mail, Phone, Colleague, Credential and External are offered to everybody, or to nobody.
	Mail, Phone, Colleague, Credential, External bool

	Said       string // what was just done
	Match      string // the number that the phone asks for
	Wallet     *walletAsked
	Passcode   string // once
	Starts     time.Time
	Once       bool   // it works once
	UseHref    string // takes it here
	Trial      bool   // nothing is issued while policy only evaluates
	SignInHref string
}

// A caseProof is something that showed who asks.
type caseProof struct {
	Name string
	At   time.Time
}

func (casePage) file() string { return "case.html" }

const casePath = recoverPath + "/case"

// ErrCaseElsewhere says that this browser has opened no case.
var ErrCaseElsewhere = &fault.Error{
	Kind: fault.NotFound, Code: "caseElsewhere",
	Text: "This page works only in the browser in which you asked for help.", Remedy: "Go on there. Or ask again here: type your name, then choose other ways to sign in.",
}

// showCase serves GET /recover/case.
func (s *Site) showCase(w http.ResponseWriter, r *http.Request) error {
	c, v, ok, err := s.claimed(r)
	if err != nil {
		return err
	}
	if !ok {
		return ErrCaseElsewhere
	}
	return s.renderCase(w, r, c, v, casePage{Said: r.URL.Query().Get("said")}, nil)
}

func (s *Site) renderCase(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View, p casePage, why error) error {
	tenant, err := s.tenant(r.Context(), c.Tenant)
	if err != nil {
		return err
	}
	status := http.StatusOK
	p.frame = s.frame(r, tenant)
	if why != nil {
		if p.Fault, status = s.told(r, why); p.Fault == nil {
			return why
		}
		setRetryAfter(w, p.Fault)
	}
	p.Action, p.Number, p.State, p.OpenedAt, p.EndsAt, p.SignInHref = casePath, v.Number, string(v.State), v.OpenedAt, v.ExpiresAt, "/security-info"
	for _, one := range v.Proofs {
		p.Proofs = append(p.Proofs, caseProof{s.View.Text(p.Lang, "case_proof_"+string(one.Kind)), one.At})
	}
	p.Mail = v.Policy.LevelOf(recovery.ProofMail) != recovery.LevelNone
	p.Phone = v.Policy.LevelOf(recovery.ProofMatch) != recovery.LevelNone && s.Matcher != nil
	p.Credential = presentation.Offered(v.Policy)
	p.Colleague = v.Policy.LevelOf(recovery.ProofVouch) != recovery.LevelNone
	if p.External, err = s.asksOutside(r.Context(), v); err != nil {
		return err
	}
	if _, known := sayings[p.Said]; !known {
		p.Said = ""
	}
	if v.Pass != nil {
		p.EndsAt, p.Here = v.Pass.Ends, v.Pass.Hand == recovery.HandBrowser
	}
	if p.State, p.Trial, err = s.caseStands(r.Context(), c, v); err != nil {
		return err
	}
	if v.State.Waits() {
		p.Fetches, p.Stands = true, standsText(p.State, v)
	}
	p.Code = browser.CodeOut(r) == c.Case
	s.render(w, r, status, p)
	return nil
}

// sayings are what the page may say was done. None tells whether there was anything to do.
var sayings = map[string]bool{"mail": true, "phone": true, "colleague": true, "external": true, "wrong": true, "again": true}

// takeCase serves POST /recover/case.
func (s *Site) takeCase(w http.ResponseWriter, r *http.Request) error {
	c, v, ok, err := s.claimed(r)
	if err != nil {
		return err
	}
	if !ok {
		return ErrCaseElsewhere
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	switch ask := r.PostForm.Get("ask"); {
	case r.PostForm.Has("code"):
		return s.takeMailCode(w, r, c, v)
	case ask == "pass":
		return s.showCasePass(w, r, c, v)
	case ask == "mail":
		return s.sendMailCode(w, r, c, v)
	case ask == "phone":
		return s.askPhone(w, r, c, v)
	case ask == "matched":
		return s.takeMatch(w, r, c, v)
	case ask == "credential":
		return s.askWallet(w, r, c, v)
	case r.PostForm.Has("response_code"):
		return s.takePresented(w, r, c, v, presentedOf(r.PostForm))
	case ask == "colleague":
		return s.askColleague(w, r, c, v)
	case ask == "external":
		return s.askOutside(w, r, c, v)
	case ask == "cancel":
		return s.giveUp(w, r, c, v)
	case ask == "again":
		return s.askForAnother(w, r, v)
	}
	return redirect(w, r, casePath)
}

// real reports whether a claim has a case.
func isReal(v recovery.View) bool { return v.ID != "" }

// casesRule bounds what one browser sets off with its case: mails, requests to phones, codes.
var casesRule = signin.Rule{Budget: 10, Window: time.Hour, Slow: 10 * time.Minute}

// codedOnce finds the first code of a slot: who presses again is sent nothing more, and pays nothing.
var codedOnce = signin.Rule{Budget: 1, Window: claim.CodeLifetime, Slow: claim.CodeLifetime}

// spend takes one try of what this browser may set off.
func (s *Site) spend(r *http.Request, c claim.Claim, what string) error {
	return s.charge(r, c, []signin.Bucket{{Name: "recovery|" + what + "|" + c.Case, Rule: casesRule}})
}

// spendDay takes one of the mails a day that cases of one name set off together: codes, or questions to
// colleagues. Else who asks for help opens a few, and has each of them write all day long. A familiar
// place has a day of its own, as for opening cases.
func (s *Site) spendDay(r *http.Request, c claim.Claim, v recovery.View, what string) error {
	name := "recovery|day|" + what + "|" + c.AccountKey()
	home, err := s.familiarHome(r, c, v)
	switch {
	case err != nil:
		return err
	case home != "":
		return s.charge(r, c, []signin.Bucket{{Name: name + "|familiar|" + home, Rule: openDay}})
	}
	return s.charge(r, c, []signin.Bucket{{Name: name, Rule: openDay}, {Name: name + "|" + place(r).Network(), Rule: openHereDay}})
}

func (s *Site) charge(r *http.Request, c claim.Claim, all []signin.Bucket) error {
	wait, err := s.SignIn.Store.Charge(r.Context(), c.Tenant, all, s.Now())
	if err == nil && wait > 0 {
		err = ErrAskedForHelpOften.After(int(wait/time.Second) + 1)
	}
	return err
}

// first calls pay for the first of what a case sets off from at on, and reports whether it was that. One
// that pay refuses was none.
func (s *Site) first(r *http.Request, c claim.Claim, what string, rule signin.Rule, at time.Time, pay func() error) (bool, error) {
	once := []signin.Bucket{{Name: "recovery|" + what + "|" + c.Case, Rule: rule}}
	if wait, err := s.SignIn.Store.Charge(r.Context(), c.Tenant, once, at); err != nil || wait > 0 {
		return false, err
	}
	why := pay()
	if why == nil {
		return true, nil
	}
	if err := s.SignIn.Store.Refund(r.Context(), c.Tenant, once); err != nil {
		return false, err
	}
	return false, why
}

// showCasePass issues the pass of an approved case and shows it, once, in the browser that opened
// the case.
func (s *Site) showCasePass(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if v.State == recovery.PassIssued || v.State == recovery.Used { // the page says so
		return redirect(w, r, casePath)
	}
	if !isReal(v) || v.State != recovery.Approved { // alike, so that it tells nobody who is known
		return s.renderCase(w, r, c, v, casePage{}, recovery.ErrNotProven)
	}
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return err
	}
	next, pass, passcode, err := s.Cases.Issue(r.Context(), s.ref(c.Tenant, c.Case), recovery.Order{Handed: true, Hand: recovery.HandBrowser}, s.asker(r, holder))
	switch {
	case errors.Is(err, recovery.ErrPassGone), errors.Is(err, recovery.ErrChanged): // another tab was faster
		return redirect(w, r, casePath)
	case err != nil:
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	v.Case = next
	p := casePage{Passcode: passcode.Reveal(), Starts: pass.Start, Once: pass.SingleUse}
	if !s.Now().Before(pass.Start) {
		p.UseHref = s.useHere(w, r, c.Tenant, v.Subject.User.UserPrincipalName)
	}
	return s.renderCase(w, r, c, v, p, nil)
}

// askForAnother begins anew for whoever was shown a pass here and has lost it: a sign-in in which the
// name is given, at the page that asks for help.
func (s *Site) askForAnother(w http.ResponseWriter, r *http.Request, v recovery.View) error {
	if v.Pass == nil || v.Pass.Hand != recovery.HandBrowser { // who was shown nothing here need not know the name
		return redirect(w, r, securityInfoPath)
	}
	handle, err := s.begunAs(w, r, v.Tenant, v.Subject.User.UserPrincipalName)
	if err != nil {
		return err
	}
	return redirect(w, r, recoverHref(visit{handle: handle}))
}

// giveUp cancels the case, if it is this browser's alone. Where somebody else went on with it, the
// browser lets go of it, and is not told. Who keeps the cookie may try again, and each refusal is an event.
func (s *Site) giveUp(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if err := s.spend(r, c, "cancel"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if isReal(v) {
		holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
		if err != nil {
			return err
		}
		if _, err := s.Cases.Cancel(r.Context(), s.ref(c.Tenant, c.Case), "", s.asker(r, holder)); err != nil && !isTold(err) {
			return err
		}
	}
	browser.KeepClaim(w, "", 0)
	return redirect(w, r, "/")
}

// sendMailCode mails the code to the private addresses that are on file.
func (s *Site) sendMailCode(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if err := s.spend(r, c, "mail"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	slot := claim.Slot(s.Now())
	if _, err := s.first(r, c, "coded", codedOnce, claim.SlotAt(slot), func() error { return s.spendDay(r, c, v, "mail") }); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if isReal(v) && v.State.Waits() {
		code, err := c.Code(r.Context(), s.SignIn.Secrets.MAC, slot)
		if err != nil {
			return err
		}
		if err := s.CaseMails.MailCode(r.Context(), v, code, slot); err != nil { // one mail in a slot
			return err
		}
	}
	now := s.Now()
	browser.KeepCodeOut(w, c.Case, claim.CodeEnds(now).Sub(now))
	return redirect(w, r, casePath+"?said=mail")
}

// takeMailCode takes the code of the mail.
func (s *Site) takeMailCode(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if err := s.spend(r, c, "code"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	right, err := c.CodeIs(r.Context(), s.SignIn.Secrets.MAC, r.PostForm.Get("code"), s.Now())
	if err != nil {
		return err
	}
	if !right || !isReal(v) {
		return redirect(w, r, casePath+"?said=wrong")
	}
	return s.proveSelf(w, r, c, v, recovery.Proof{Kind: recovery.ProofMail, Contact: recovery.ContactMail})
}

func (s *Site) proveSelf(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View, proof recovery.Proof) error {
	holder, err := c.Holder(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return err
	}
	if _, err := s.Cases.ProveSelf(r.Context(), s.ref(c.Tenant, c.Case), proof, s.asker(r, holder)); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	return redirect(w, r, casePath)
}

// askColleague tells a colleague that they may vouch. Whether they exist is not told.
func (s *Site) askColleague(w http.ResponseWriter, r *http.Request, c claim.Claim, v recovery.View) error {
	if err := s.spend(r, c, "colleague"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if err := s.spendDay(r, c, v, "colleague"); err != nil {
		return s.renderCase(w, r, c, v, casePage{}, err)
	}
	if isReal(v) && v.State.Waits() {
		other, err := s.SignIn.Store.UserByName(r.Context(), c.Tenant, r.PostForm.Get("colleague"))
		if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
			return err
		}
		if err == nil {
			if err := s.mailColleague(r, v, other); err != nil {
				return err
			}
		}
	}
	return redirect(w, r, casePath+"?said=colleague")
}

// mailColleague writes to who may vouch, and to nobody else.
func (s *Site) mailColleague(r *http.Request, v recovery.View, other directory.User) error {
	them, err := s.Cases.Subject(r.Context(), v.Tenant, other.ID)
	if err != nil {
		if _, told := errors.AsType[*fault.Error](err); told {
			return nil // gone meanwhile
		}
		return err
	}
	if !v.Subject.Colleague(them, v.Policy, s.Now()) {
		return nil
	}
	return s.CaseMails.AskToVouch(r.Context(), v, other)
}
