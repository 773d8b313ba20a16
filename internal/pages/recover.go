package pages

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/browser"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// recoverPage is recover.html: somebody can't use any of their ways to sign in, and asks for help.
// What was lost is in field lost, once for each thing.
type recoverPage struct {
	frame
	who
	Lost     []lostChoice
	BackHref string
}

// A lostChoice is something that may be lost.
type lostChoice struct {
	Value   string
	Name    string
	Checked bool
}

func (recoverPage) file() string { return "recover.html" }

const recoverPath = "/recover"

// asks are what people are asked for on that page. What only an administrator can name is not
// among them.
var asks = slices.DeleteFunc([]recovery.Failure{"phoneLost", "keyForgotten", "pinBroken", "newDevice", "deviceAndPhoneLost", "everythingLost"}, func(f recovery.Failure) bool {
	return !slices.Contains(recovery.Failures, f)
})

// The budgets of cases that are opened by people who are not signed in: for each name, known or
// not, from one network and from all, and for each network. Places where the person signed in
// before have their own, which nobody else can spend. Those of a day bound the mails that each case
// sends to the person and to their manager; one network alone does not spend all of it.
var (
	openHere      = signin.Rule{Budget: 3, Window: time.Hour, Slow: time.Hour}
	openHereDay   = signin.Rule{Budget: 6, Window: 24 * time.Hour, Slow: 6 * time.Hour}
	openByName    = signin.Rule{Budget: 6, Window: time.Hour, Slow: time.Hour}
	openDay       = signin.Rule{Budget: 10, Window: 24 * time.Hour, Slow: 3 * time.Hour}
	openByNetwork = signin.Rule{Budget: 20, Window: time.Hour, Slow: 3 * time.Minute}
)

func openBuckets(name, home, network string) []signin.Bucket {
	if home != "" {
		return []signin.Bucket{
			{Name: "recovery|familiar|" + name + "|" + home, Rule: openHere},
			{Name: "recovery|familiar|day|" + name + "|" + home, Rule: openDay},
		}
	}
	return []signin.Bucket{
		{Name: "recovery|" + network, Rule: openByNetwork},
		{Name: "recovery|" + name, Rule: openByName},
		{Name: "recovery|day|" + name, Rule: openDay},
		{Name: "recovery|" + name + "|" + network, Rule: openHere},
		{Name: "recovery|day|" + name + "|" + network, Rule: openHereDay},
	}
}

// ErrAskedForHelpOften slows down who opens recovery cases.
var ErrAskedForHelpOften = &fault.Error{
	Kind: fault.TooMany, Code: "recoveryTooOften",
	Text: "Help was asked for too often.", Remedy: "Call the helpdesk.",
}

// showRecover serves GET /recover.
func (s *Site) showRecover(w http.ResponseWriter, r *http.Request) error {
	v, err := s.lockedOut(r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, s.recoverPage(r, v, nil))
	return nil
}

// lockedOut is the sign-in of somebody who typed a name and has not got in.
func (s *Site) lockedOut(r *http.Request) (visit, error) {
	v, err := s.visit(r)
	if err == nil && (v.transaction.Username == "" || v.transaction.Done()) {
		err = signin.ErrGone
	}
	return v, err
}

func recoverHref(v visit) string {
	return recoverPath + "?t=" + browser.HandleName(v.handle)
}

func (s *Site) recoverPage(r *http.Request, v visit, lost []string) recoverPage {
	p := recoverPage{frame: s.stepFrame(r, v), who: who{Username: v.transaction.Username}, BackHref: Address(v.handle) + "&go=methods"}
	p.Action, p.KeepOpener = recoverHref(v), false
	for _, f := range asks {
		p.Lost = append(p.Lost, lostChoice{Value: string(f), Name: s.View.Text(p.Lang, "recover_lost_"+string(f)), Checked: slices.Contains(lost, string(f))})
	}
	return p
}

// takeRecover serves POST /recover: opens a case for the name that was typed. A name that nobody
// has gets the same answer, at the same time ([Site.held]), and a page that shows the same.
func (s *Site) takeRecover(w http.ResponseWriter, r *http.Request) error {
	v, err := s.lockedOut(r)
	if err != nil {
		return err
	}
	t := v.transaction
	home := t.Home
	account, err := s.SignIn.AskAccount(r.Context(), home, t.NameHash)
	if err != nil {
		return err
	}
	switch asked, err := s.asked(r, home, account); {
	case err != nil:
		return err
	case asked:
		return redirect(w, r, casePath+"?said=again")
	}
	familiar, err := s.SignIn.FamiliarHome(r.Context(), t, place(r))
	if err != nil {
		return err
	}
	wait, err := s.SignIn.Store.Charge(r.Context(), home, openBuckets(t.NameHash, familiar, place(r).Network()), s.Now())
	if err != nil {
		return err
	}
	if wait > 0 {
		return ErrAskedForHelpOften.After(int(wait/time.Second) + 1)
	}
	id, err := s.openCase(r, t, familiar != "")
	if err != nil {
		return err
	}
	c, err := claim.New(rand.Reader, home, id, account, s.Now())
	if err != nil {
		return err
	}
	if t.Device != nil {
		c.Device = t.Device.ID
	}
	text, err := c.Text(r.Context(), s.SignIn.Secrets.MAC)
	if err != nil {
		return err
	}
	policy, err := s.Cases.Cases.RecoveryPolicy(r.Context(), home)
	if err != nil {
		return err
	}
	browser.KeepClaim(w, text, time.Duration(policy.CaseMinutes)*time.Minute)
	return redirect(w, r, casePath)
}

// askedFor is how long a request on which its page shows no word is the one that is meant.
const askedFor = time.Hour

// asked reports whether this browser waits for help for the same name already. A second case would let
// nobody know which of two numbers is theirs to hear, and tell everybody twice. The page does not say
// that a request was denied, so one of which it shows nothing yet is held to for a while only.
func (s *Site) asked(r *http.Request, home directory.TenantID, account string) (bool, error) {
	c, v, ok, err := s.claimed(r)
	goesOn := len(v.Proofs)+len(v.Approvals) > 0 || s.Now().Before(c.At.Add(askedFor))
	return ok && c.Tenant == home && c.AccountKey() == account && v.State.Waits() && goesOn, err
}

// openCase opens a case for the person of a sign-in and returns its id, or "" when there is
// nobody, or nobody who may: the page does not tell.
func (s *Site) openCase(r *http.Request, t signin.Transaction, known bool) (string, error) {
	if t.User == "" {
		return "", nil
	}
	var lost []recovery.Failure
	for _, f := range asks {
		if slices.Contains(r.PostForm["lost"], string(f)) {
			lost = append(lost, f)
		}
	}
	f := request.From(r.Context())
	c, err := s.Cases.Open(r.Context(), recovery.Opening{
		Tenant: t.Home, User: t.User, Kind: recovery.BySelf, Channel: recovery.BySignInPage, Lost: lost, From: placeText(f), Network: place(r).Network(), Known: known,
	}, s.asker(r, ""))
	if _, told := errors.AsType[*fault.Error](err); told {
		return "", nil // it is in the log, and the page looks the same
	}
	return c.ID, err
}

// asker is whoever asks for help in this browser, who is not signed in.
func (s *Site) asker(r *http.Request, holder string) recovery.Actor {
	f := request.From(r.Context())
	return recovery.Actor{
		Self: true, Browser: holder, By: actorOf(r, knownAccount{}), CorrelationID: f.CorrelationID,
		SignIn: recovery.SignIn{Address: f.Address.String()},
	}
}

// claimed is the case of this browser, as far as the browser may know of it. Whoever typed a name holds
// one: where nothing that was said in the case is about this browser, what others do with it is
// theirs, and the page looks as that of a claim without a case, which stays open.
func (s *Site) claimed(r *http.Request) (claim.Claim, recovery.View, bool, error) {
	c, ok := claim.Parse(r.Context(), browser.Claim(r), s.SignIn.Secrets.MAC)
	if !ok {
		return c, recovery.View{}, false, nil
	}
	one, err := s.Cases.Cases.Case(r.Context(), c.Tenant, c.Case)
	if err == nil {
		v, err := s.viewOf(r.Context(), c, one)
		return c, v, err == nil, err
	}
	if !errors.Is(err, recovery.ErrUnknown) {
		return c, recovery.View{}, false, err
	}
	v := recovery.View{}
	if v.Number, err = c.Number(r.Context(), s.SignIn.Secrets.MAC); err == nil {
		v.Policy, err = s.Cases.Cases.RecoveryPolicy(r.Context(), c.Tenant)
	}
	return c, s.asNobodys(c, v), err == nil, err
}

// viewOf is a case as the browser of c may see it. One that gave way to another is nobody's: who asks
// often would learn from it which names are known. It keeps whom it is for, whose own places count apart.
func (s *Site) viewOf(ctx context.Context, c claim.Claim, one recovery.Case) (recovery.View, error) {
	v, err := s.Cases.View(ctx, one)
	if err != nil {
		return v, err
	}
	holder, err := c.Holder(ctx, s.SignIn.Secrets.MAC)
	switch {
	case err != nil:
		return v, err
	case v.Outcome == recovery.Superseded, !v.State.Waits() && !v.Heard(holder):
		return s.asNobodys(c, recovery.View{Case: recovery.Case{Number: v.Number, User: v.User}, Policy: v.Policy}), nil
	case !v.Heard(holder):
		return s.asNobodys(c, v), nil
	}
	v.Proofs = v.HeardFrom(holder).Proofs
	return v, nil
}

// asNobodys is v as a name that nobody has would stand. With a case, it still takes what this browser shows.
func (s *Site) asNobodys(c claim.Claim, v recovery.View) recovery.View {
	v.Proofs, v.Approvals = nil, nil
	v.Tenant, v.State, v.OpenedAt, v.ExpiresAt = c.Tenant, recovery.Open, c.At, c.At.Add(time.Duration(v.Policy.CaseMinutes)*time.Minute)
	if !s.Now().Before(v.ExpiresAt) {
		v.State = recovery.Expired
	}
	return v
}

func (s *Site) ref(tenant directory.TenantID, id string) recovery.Ref {
	return recovery.Ref{Tenant: tenant, ID: id}
}

// placeText is where a request comes from, in words for people.
func placeText(f request.Facts) string {
	name, system := signin.DescribeAgent(f.UserAgent)
	return strings.Trim(strings.Join([]string{name, system, f.Address.String()}, ", "), ", ")
}
