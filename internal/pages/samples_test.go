package pages

import (
	"html/template"
	"sync"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/recovery/claim"
	"github.com/postern-id/postern/internal/recovery/handover"
	"github.com/postern-id/postern/internal/signin"
)

var (
	london  = mustZone("Europe/London")
	morning = time.Date(2026, 11, 12, 10, 42, 30, 0, time.UTC)

	errRefused = &fault.Error{Kind: fault.Unauthorized, Code: "credentialRefused", Text: "That didn’t work."}
	errCode    = &fault.Error{
		Kind: fault.Invalid, Code: "deviceCodeUnknown", AADSTS: 70016,
		Text:   "This code isn’t known, or it is over.",
		Remedy: "Start again on the other device.",
	}
	errTarget = &fault.Error{
		Kind: fault.Invalid, Code: "redirectUriMismatch", AADSTS: 50011,
		Text:   "This application asked to send you somewhere it isn’t registered for.",
		Remedy: "Tell whoever runs the application.",
	}
	errPolicy = &fault.Error{
		Kind: fault.Forbidden, Code: "blockedByPolicy", AADSTS: 53003,
		Text:   "You may not sign in to Contoso Mail from here.",
		Remedy: "Try again from a joined device.",
	}
)

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return zone
}

// parsed is the one view of all tests, as it is in the server.
var parsed = sync.OnceValues(func() (*View, error) {
	return NewView(func() time.Time { return morning })
})

func newView(t *testing.T) *View {
	t.Helper()
	v, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sampleFrame(lang string) frame {
	return frame{
		Tenant:   "Contoso",
		Lang:     lang,
		Zone:     london,
		Helpdesk: Helpdesk{Phone: "020 7946 0120", Hours: "day and night", Mail: "help@contoso.example"},
		Action:   "/contoso.example/signin",
		Form:     map[string]string{"transaction": "t-4711"},
	}
}

// samples returns every page, some in several states, by a name for the picture.
// branded is f with all that a tenant may say.
func branded(f frame) frame {
	f.Brand = brand{
		Style: "/assets/branding/colors-1.7a1fa2.203040.css", Square: "/assets/branding/t/squareLogo.h.png", Icon: "/assets/branding/t/favicon.h.png",
		Picture: "/assets/branding/t/backgroundImage.h.jpg", Hint: "Your address at Contoso", Text: []string{"<b>Only</b> for employees.", "Second line"},
		Links: []brandLink{{"privacy", "", "https://contoso.example/privacy"}, {"terms", "House <rules>", "https://contoso.example/rules"}},
	}
	return f
}

func samples(lang string) map[string]page {
	f := sampleFrame(lang)
	failed := f
	failed.Fault, failed.CorrelationID, failed.ShortCode = errRefused, "0c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5", "7KQ2-M4XD"
	failing := func(e *fault.Error) frame { g := failed; g.Fault = e; return g }
	mira := who{Username: "mira.okafor@contoso.example", NotYouHref: "/signin?again=1"}
	pass := offer{"pass", "Temporary Access Pass", "The code from your helpdesk or manager", "", "/signin/accesspass"}
	code := offer{"keypad", "Code from an app", "Six digits that an app on your phone shows", "Then also: Password", "/signin/otc"}
	key := ownMethod{ID: "m2", Icon: "passkey", Name: "Blue key", Kind: "Passkey", AddedAt: morning.AddDate(0, -1, 0), UsedAt: morning, UsedOn: "Firefox, Linux"}
	frozen := key
	frozen.Frozen, frozen.UsedAt = true, time.Time{}
	pin := ownMethod{ID: "m1", Icon: "keypad", Name: "Device PIN", Kind: "LAP-0417", AddedAt: morning}
	soon := morning.Add(8 * time.Minute)
	around := setup{who: who{Username: mira.Username}, Name: "Mira Okafor", SignOutHref: "/signout", BackHref: "/security-info"}
	steps := func(done ...bool) wizardSteps {
		all := wizardSteps{
			{Name: "Passkey", Button: "Set up a passkey", Kind: "passkey", Add: offer{"passkey", "Passkey", "Unlocks with this device", "", "/add/passkey"}},
			{Name: "Authenticator app", Button: "Set up the authenticator app", Kind: "authenticator", Add: offer{"phone", "Authenticator app", "Approve sign-ins in an app", "", "/add/authenticator"}},
		}
		for i := range all {
			all[i].Done = i < len(done) && done[i]
		}
		return all
	}
	wizard := func(f frame, left int, goOn bool, done ...bool) wizardPage {
		p := wizardPage{frame: f, who: mira, Application: "Contoso Mail", Steps: steps(done...), Later: left != 0, Left: left, GoOn: goOn, FreshUntil: soon, Others: []offer{{"keypad", "Code from an app", "Six digits", "", "/add/otc"}}}
		p.Current = p.Steps.begin("")
		return p
	}
	led := around
	led.BackHref, led.Steps = "/signin/register", steps(true)
	led.Steps.begin("authenticator")
	stale := wizard(f, 0, false)
	stale.FreshUntil = time.Time{}
	return map[string]page{
		"wizard":              wizard(f, 2, false),
		"wizard-last":         wizard(f, 1, false),
		"wizard-must":         stale,
		"wizard-more":         wizard(f, -1, true, true),
		"wizard-ready":        wizard(f, -1, true, true, true),
		"manage":              managePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Method: key, NewName: "Blue key", From: "Firefox, Linux", ByPass: true, FreshUntil: soon, RenameAction: "/n", RemoveAction: "/r", DisownAction: "/d", ThawAction: "/t"},
		"manage-failed":       managePage{frame: failing(method.ErrName), Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Method: key, ByAdmin: true, FreshUntil: soon, RenameAction: "/n", RemoveAction: "/r", DisownAction: "/d", ThawAction: "/t"},
		"manage-frozen":       managePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Method: frozen, NewName: "Blue key", FreshUntil: soon, RenameAction: "/n", RemoveAction: "/r", DisownAction: "/d", ThawAction: "/t"},
		"manage-pin":          managePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Method: pin, PIN: true, ProveHref: "/prove"},
		"manage-last":         managePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Method: key, Last: true, Confirm: true, FreshUntil: soon, RemoveAction: "/r"},
		"addway":              addWayPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Offers: []offer{{"passkey", "Passkey", "Unlocks with this device", "", "/add/passkey"}, {"keypad", "Code from an app", "Six digits", "", "/add/otc"}}},
		"addway-purpose":      addWayPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", ForMethods: true, Notice: "Added.", Offers: []offer{{"passkey", "Passkey", "Unlocks with this device", "", "/add/passkey"}}},
		"addway-none":         addWayPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back"},
		"notme":               notMePage{frame: f},
		"notme-failed":        notMePage{frame: failing(method.ErrDispute)},
		"notme-done":          notMePage{frame: f, Done: true, SignIn: "/security-info"},
		"handover":            handoverPage{frame: f},
		"handover-failed":     handoverPage{frame: failing(handover.ErrOpened)},
		"handover-ready":      handoverPage{frame: f, Ready: true, Owner: "Mira Okafor"},
		"handover-shown":      handoverPage{frame: f, Passcode: "7KQ2-M4XD-9F3T", Owner: "Mira Okafor", Starts: morning, EndsAt: morning.Add(time.Hour), Once: true},
		"handover-own":        handoverPage{frame: f, Passcode: "7KQ2-M4XD-9F3T", Owner: "Mira Okafor", Own: true, Starts: morning, EndsAt: morning.Add(time.Hour), UseHref: "/"},
		"practice":            practicePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", EndsAt: morning.AddDate(0, 0, 9), Code: "PRACTICE-7K4M-Q2HX-9TRB"},
		"practice-before":     practicePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", EndsAt: morning.AddDate(0, 0, 9), AtLockScreen: true},
		"practice-none":       practicePage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back"},
		"practised":           practisedPage{frame: f, who: mira, Worked: true, Minutes: "4", BackHref: "/back", Steps: []practisedStep{{"issue", true, "The helpdesk could give you a pass", "", false}, {"rules", true, "The rules of your organisation would let you in", "", false}, {"key", false, "This device did not try whether it can make a key for a PIN", "drillKeyAgent", true}}},
		"practised-failed":    practisedPage{frame: f, who: mira, BackHref: "/back", Steps: []practisedStep{{"issue", true, "The helpdesk could give you a pass", "", false}, {"rules", false, "A rule of your organisation would stop you", "accessBlocked", false}}},
		"recover":             recoverPage{frame: f, who: mira, BackHref: "/signin", Lost: []lostChoice{{"phoneLost", "My phone is lost or broken", true}, {"newDevice", "I have a new computer", false}}},
		"case":                casePage{frame: f, Number: "R-7K4MQ2", State: "open", EndsAt: morning, Mail: true, Phone: true, Colleague: true},
		"case-mail":           casePage{frame: f, Number: "R-7K4MQ2", State: "proven", EndsAt: morning, Mail: true, Phone: true, Said: "mail", Code: true, Proofs: []caseProof{{"Your phone showed the number", morning}}},
		"case-phone":          casePage{frame: f, Number: "R-7K4MQ2", State: "open", EndsAt: morning, Phone: true, Match: "47"},
		"case-wallet":         casePage{frame: f, Number: "R-7K4MQ2", State: "open", EndsAt: morning, Mail: true, Phone: true, Colleague: true, Credential: true, Wallet: &walletAsked{Link: walletSample, Href: template.URL(walletSample), ID: "ABC", Tenant: "7d1f", EndsAt: morning}},
		"case-credential":     casePage{frame: f, Number: "R-7K4MQ2", State: "open", EndsAt: morning, Mail: true, Phone: true, Colleague: true, Credential: true},
		"presented":           presentedPage{frame: f, Code: "7KQ2 M4XD", From: "Firefox, Linux, 192.0.2.7"},
		"case-failed":         casePage{frame: failing(ErrAskedForHelpOften), Number: "R-7K4MQ2", State: "open", EndsAt: morning, Colleague: true, Said: "wrong"},
		"case-issuable":       casePage{frame: f, Number: "R-7K4MQ2", State: issuable, EndsAt: morning, Proofs: []caseProof{{"Your manager said so", morning}}},
		"case-trial":          casePage{frame: f, Number: "R-7K4MQ2", State: issuable, Trial: true},
		"case-shown":          casePage{frame: f, Number: "R-7K4MQ2", State: "passIssued", Passcode: "7KQ2-M4XD-9F3T", Starts: morning.Add(-time.Hour), EndsAt: morning, Once: true, UseHref: "/"},
		"case-frozen":         casePage{frame: f, Number: "R-7K4MQ2", State: "disputed"},
		"case-over":           casePage{frame: f, Number: "R-7K4MQ2", State: "closed"},
		"case-issued":         casePage{frame: f, Number: "R-7K4MQ2", State: "passIssued", SignInHref: "/"},
		"case-shown-already":  casePage{frame: f, Number: "R-7K4MQ2", State: "passIssued", Here: true, SignInHref: "/"},
		"case-used":           casePage{frame: f, Number: "R-7K4MQ2", State: "used"},
		"case-elsewhere":      casePage{frame: f, Number: "R-7K4MQ2", State: elsewhere, Mail: true, EndsAt: morning.Add(time.Hour), Proofs: []caseProof{{"You had the code from the mail", morning}}},
		"case-again":          casePage{frame: f, Number: "R-7K4MQ2", State: "open", Said: "again", OpenedAt: morning, EndsAt: morning.Add(time.Hour), Mail: true},
		"case-none":           errorPage{frame: failing(ErrCaseElsewhere), RetryHref: "/security-info"},
		"handover-spoken":     handoverPage{frame: f, Spoken: true},
		"approve":             approvePage{frame: f, Manager: true, Name: "Mira Okafor", Username: mira.Username, Title: "Dispatcher", Lost: []string{"My phone is lost or broken"}, OpenedAt: morning, From: "Chrome, Android, 203.0.113.4", Roles: true},
		"approve-changed":     approvePage{frame: f, Manager: true, There: true, Me: true, Name: "Mira Okafor", Username: mira.Username, Title: "Dispatcher", Lost: []string{"My phone is lost or broken"}, OpenedAt: morning, From: "Chrome, Android, 203.0.113.4", Changed: []approveChange{{"Mobile phone", morning.Add(-time.Hour)}, {"Mail", morning.AddDate(0, 0, -3)}}},
		"approve-failed":      approvePage{frame: failing(recovery.ErrCaseNumber), Manager: true, Name: "Mira Okafor", Username: mira.Username, OpenedAt: morning},
		"approve-colleague":   approvePage{frame: f, Name: "Mira Okafor", Username: mira.Username, OpenedAt: morning},
		"approve-done":        approvePage{frame: f, Manager: true, Name: "Mira Okafor", Username: mira.Username, Done: "approved", Handed: true},
		"approve-vouched":     approvePage{frame: f, Name: "Mira Okafor", Username: mira.Username, Done: "vouched"},
		"approve-refused":     approvePage{frame: f, Manager: true, Name: "Mira Okafor", Username: mira.Username, Done: "refused"},
		"approve-newer":       approvePage{frame: failing(recovery.ErrCaseNumber), Manager: true, There: true, Me: true, NoPhone: true, Name: "Mira Okafor", Username: mira.Username, Title: "Dispatcher", Lost: []string{"My phone is lost or broken"}, OpenedAt: morning, From: "Chrome, Android, 203.0.113.4", Newer: &newerAsk{morning.Add(time.Hour), "Firefox, Windows, 198.51.100.7", "/"}},
		"approve-before":      approvePage{frame: f, Manager: true, Name: "Mira Okafor", Username: mira.Username, SaidAt: morning},
		"approve-keyless":     approvePage{frame: f, Manager: true, Done: "keyless", AddHref: "/"},
		"approve-over":        approvePage{frame: f, Manager: true, Name: "Mira Okafor", Username: mira.Username, Done: "over"},
		"deny":                denyPage{frame: f},
		"deny-failed":         denyPage{frame: failing(claim.ErrDenial)},
		"deny-done":           denyPage{frame: f, Done: true, Number: "R-7K4MQ2", SignIn: "/security-info"},
		"deny-over":           denyPage{frame: f, Done: true, Over: true, Number: "R-7K4MQ2", SignIn: "/security-info"},
		"lost-phone":          lostPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Phone: true, OnlyPass: true, FreshUntil: soon, Methods: []lostThing{{ID: "a", Icon: "phone", Name: "Pixel 9", Text: "Authenticator app", UsedAt: morning, Checked: true}, {ID: "b", Icon: "passkey", Name: "Blue key", Text: "Passkey"}}, Sessions: []lostThing{{ID: "s", Icon: "globe", Name: "Chrome, Android", Text: "203.0.113.4", UsedAt: morning, Checked: true}}},
		"lost-key":            lostPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", ProveHref: "/prove", Methods: []lostThing{{ID: "b", Icon: "passkey", Name: "Blue key", Checked: true}}},
		"lost-nothing":        lostPage{frame: f, Name: "Mira Okafor", SignOutHref: "/out", BackHref: "/back", Phone: true, FreshUntil: soon},
		"identify":            identifyPage{frame: f, Application: "Contoso Mail", Example: "sam@contoso.example", HelpHref: "/signin/methods"},
		"identify-branded":    identifyPage{frame: branded(f), Application: "Contoso Mail", HelpHref: "/signin/methods"},
		"identify-passkey":    identifyPage{frame: f, Example: "sam@contoso.example", Passkey: `{"challenge":"AA"}`, PasskeyHref: "/signin?go=passkey"},
		"identify-failed":     identifyPage{frame: failed, Username: mira.Username},
		"accesspass":          accessPassPage{frame: f, who: mira, OtherWaysHref: "/signin/methods"},
		"accesspass-failed":   accessPassPage{frame: failed, who: mira, OtherWaysHref: "/signin/methods"},
		"accesspass-early":    accessPassPage{frame: failed, who: mira, WorksFrom: morning, OtherWaysHref: "/signin/methods"},
		"passkey":             passkeyPage{frame: f, who: mira, Options: `{"challenge":"AA"}`, Start: true, OtherWaysHref: "/signin/methods"},
		"passkey-failed":      passkeyPage{frame: failed, who: mira, Options: `{"challenge":"AA"}`, Unknown: `{"rpId":"id.contoso.example"}`, OtherWaysHref: "/signin/methods"},
		"passkey-copied":      passkeyPage{frame: failing(passkey.ErrCopied), who: mira, Options: `{"challenge":"AA"}`, OtherWaysHref: "/signin/methods"},
		"passkey-nameless":    passkeyPage{frame: f, Options: `{"challenge":"AA"}`, BackHref: "/signin"},
		"addpasskey":          addPasskeyPage{frame: f, setup: around, Options: `{"challenge":"AA"}`},
		"addpasskey-failed":   addPasskeyPage{frame: failing(passkey.ErrUnverified), setup: around, Options: `{"challenge":"AA"}`},
		"otc":                 codePage{frame: f, who: mira, OtherWaysHref: "/signin/methods"},
		"otc-failed":          codePage{frame: failed, who: mira, OtherWaysHref: "/signin/methods"},
		"addotc":              sampleAddCode(f, mira),
		"addotc-failed":       sampleAddCode(failing(totp.ErrConfirm), mira),
		"phone":               authenticatorPage{frame: f, who: mira, Number: "47", OtherWaysHref: "/signin/methods"},
		"phone-sent":          authenticatorPage{frame: f, who: mira, Number: "47", EndsAt: morning, AskedHref: "/signin/asked?t=1", OtherWaysHref: "/signin/methods"},
		"phone-refused":       authenticatorPage{frame: failed, who: mira, Number: "81", Again: true, OtherWaysHref: "/signin/methods"},
		"addphone":            addPhonePage{frame: f, AppHref: "https://login.contoso.example/authenticator/#add=contoso.example/ABCDEFGHJKLM", Code: "ABCD-EFGH-JKLM", EndsAt: morning, setup: around},
		"addphone-wizard":     addPhonePage{frame: f, AppHref: "https://login.contoso.example/authenticator/#add=contoso.example/ABCDEFGHJKLM", Code: "ABCD-EFGH-JKLM", EndsAt: morning, setup: led},
		"addpasskey-wizard":   addPasskeyPage{frame: f, setup: led, Options: `{"challenge":"AA"}`},
		"app":                 appPage{frame: f, Words: "{}"},
		"password":            passwordPage{frame: f, who: mira, OtherWaysHref: "/signin/methods"},
		"password-failed":     passwordPage{frame: failed, who: mira, OtherWaysHref: "/signin/methods"},
		"federated":           federatedPage{frame: f, who: mira, Provider: "Fabrikam", GoHref: "/signin/upstream?t=1", OtherWaysHref: "/signin/methods"},
		"federated-failed":    federatedPage{frame: failed, who: mira, Provider: "Fabrikam", GoHref: "/signin/upstream?t=1", OtherWaysHref: "/signin/methods"},
		"accesspass-upstream": accessPassPage{frame: f, who: mira, Provider: "Fabrikam", FederatedHref: "/signin/upstream?t=1", OtherWaysHref: "/signin/methods"},
		"newpassword":         newPasswordPage{frame: f, who: mira, Length: "12", First: true},
		"newpassword-failed":  newPasswordPage{frame: failing(password.ErrWeak), who: mira, Length: "12", First: true},
		"addpassword":         addPasswordPage{frame: f, setup: around, Length: "12", First: true},
		"addpassword-change":  addPasswordPage{frame: f, setup: around, Length: "12", Has: true, ForgotHref: "/f"},
		"addpassword-failed":  addPasswordPage{frame: failed, setup: around, Length: "12", Has: true},
		"addpassword-forgot":  addPasswordPage{frame: f, setup: around, Length: "12", First: true, Has: true, Forgot: true},
		"methods":             methodsPage{frame: f, who: mira, Offers: []offer{pass, code}},
		"methods-keyless":     methodsPage{frame: f, who: mira, BackHref: "/signin", KeyHref: "/", RecoverHref: "/"},
		"methods-empty":       methodsPage{frame: f, who: mira, BackHref: "/signin/accesspass"},
		"stay":                stayPage{frame: f, who: mira, Pass: &issuedPass{"Dana Novak", "new laptop"}},
		"stay-device":         stayPage{frame: f, who: mira, Pass: &issuedPass{"Dana Novak", "new laptop"}, Device: "LAP-0417"},
		"stay-plain":          stayPage{frame: f, who: mira},
		"chooseaccount":       chooseAccountPage{frame: f, Application: "Contoso Mail", Accounts: []account{{"1", "Mira Okafor", mira.Username}, {"2", "Mira Okafor (admin)", "mira.admin@contoso.example"}}},
		"chooseaccount-empty": chooseAccountPage{frame: f},
		"device":              devicePage{frame: f},
		"device-failed":       devicePage{frame: failing(errCode), who: mira},
		"confirm":             confirmPage{frame: f, who: mira, Application: "Contoso Mail", Device: "LAP-0417", Place: "Leeds, United Kingdom", Address: "203.0.113.24", EndsAt: morning},
		"confirm-number":      confirmPage{frame: failing(errCode), who: mira, Application: "Postern Agent", Device: "LAP-0417", Address: "203.0.113.24", AskNumber: true, Joins: true},
		"blocked":             blockedPage{frame: failing(errPolicy), who: mira, RetryHref: "/signin", OtherWaysHref: "/signin/methods", Rule: "Outside the offices", Hint: "place", RegisterHref: "/security-info"},
		"errorpage":           errorPage{frame: failing(errTarget), who: mira, Heading: "This address isn’t registered"},
		"errorpage-ours":      errorPage{frame: failing(nil), RetryHref: "/signin"},
		"errorinfo":           errorInfoPage{frame: f, Said: "AADSTS50126", Faults: []*fault.Error{errRefused, errTarget}},
		"done":                donePage{frame: f, Application: "Contoso Mail"},
		"done-denied":         donePage{frame: f, Denied: true},
		"signedout":           signedOutPage{frame: f, SignInHref: "/", Upstreams: []signin.Upstream{{Name: "Fabrikam", SignOut: "https://id.fabrikam.example/out"}}},
		"signout":             signOutPage{frame: f, who: mira, StayHref: "/"},
		"back":                backPage{f, "/signin?t=1"},
		"formpost":            formPostPage{frame: posting(f), Application: "Contoso Mail"},
		"home":                homePage{frame: f, SignInHref: "/signin", SecurityInfoHref: "/security-info"},
		"home-signedin":       homePage{frame: f, who: mira, SecurityInfoHref: "/security-info", ConsoleHref: "/console/", SignOutHref: "/signout"},
		"mailbox":             mailboxPage{frame: f, Mails: []mailLine{{"/mailbox/2", mira.Username, "A pass was issued for you", morning}, {"/mailbox/1", mira.Username, "Welcome to Contoso", morning.AddDate(-1, 0, 0)}}},
		"mailbox-empty":       mailboxPage{frame: f},
		"mail":                mailPage{frame: f, BackHref: "/mailbox", From: "Contoso <id@contoso.example>", To: mira.Username, Subject: "A pass was issued for you", SentAt: morning, Body: "Dana Novak issued a pass for you.\nReason: new laptop\n\nIf you didn’t expect it, call 020 7946 0120.\n", HTML: "<!doctype html><title>A pass</title><p>Dana Novak issued a pass for you.</p>"},
		"securityinfo":        sampleSecurityInfo(f),
		"securityinfo-failed": securityInfoPage{frame: failed, Name: "Mira Okafor", Username: mira.Username, SignOutHref: "/signout", RemoveAction: "/r", EndAction: "/e", EverywhereAction: "/a"},
	}
}

func sampleAddCode(f frame, who who) page {
	key := totp.Key{Algorithm: totp.SHA1, Secret: []byte("12345678901234567890")}
	return addCodePage{frame: f, setup: setup{who: who, Name: "Mira Okafor", SignOutHref: "/signout", BackHref: "/security-info"}, URI: key.URI("Contoso", who.Username), Secret: key.Text(), Algorithm: "SHA-1", Other: "SHA-256", OtherHref: "/add?algorithm=SHA256"}
}

func posting(f frame) frame {
	f.Action = "https://mail.contoso.example/callback?from=postern"
	f.FormTargets = []string{f.Action}
	f.Form = map[string]string{"code": "0.AbC-dEf", "state": "xyz", "session_state": "s"}
	return f
}

func sampleSecurityInfo(f frame) securityInfoPage {
	return securityInfoPage{
		frame: f, Name: "Mira Okafor", Username: "mira.okafor@contoso.example", SignOutHref: "/signout",
		Notice: "Firefox, Windows is signed out.",
		Pass:   &ownPass{ID: "p1", State: "EnabledByPolicy", StartsAt: morning, EndsAt: morning.Add(time.Hour), Once: true},
		Methods: []ownMethod{
			{ID: "m1", Icon: "keypad", Name: "Device PIN", Kind: "LAP-0417", UsedAt: morning, Href: "/m1"},
			{ID: "m2", Icon: "phone", Name: "Mira’s Pixel 9", Kind: "Phone", UsedAt: morning.Add(-26 * time.Hour), UsedOn: "Firefox, Windows", Href: "/m2"},
			{ID: "m3", Icon: "passkey", Name: "Somebody’s key", Kind: "Passkey", Frozen: true, Href: "/m3"},
			{ID: "m4", Icon: "lock", Name: "Password", Href: "/security-info/add/password"},
		},
		Only: "Mira’s Pixel 9", AddHref: "/add", FreshUntil: morning.Add(8 * time.Minute), ProveHref: "/prove", LostPhone: "/lost/phone", LostKey: "/lost/key",
		Devices: []ownDevice{{Name: "LAP-0417", System: "Debian", SeenAt: morning}, {Name: "LAP-0001", SeenAt: morning, Off: true}},
		Sessions: []ownSession{
			{ID: "s1", Icon: "device", Device: "LAP-0417", Place: "Debian 12", SeenAt: morning, Current: true},
			{ID: "s2", Icon: "globe", Device: "Firefox, Windows", Place: "Leeds", SeenAt: morning.Add(-26 * time.Hour)},
		},
		Changes: []change{
			{"Signed in with a pass", morning},
			{"Pass issued by Dana Novak", morning.Add(-4 * time.Minute)},
		},
		RemoveAction: "/security-info/remove", EndAction: "/security-info/end", EverywhereAction: "/security-info/everywhere",
	}
}

// walletSample is as long as the links are.
const walletSample = "openid4vp://?client_id=x509_hash%3AMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE&request_uri=https%3A%2F%2Flogin.contoso.example%2Frecover%2Fwallet%2F8c85cb83-de71-48f7-8879-69a5f3d56026%2FABCDEFGHJKLMNPQRSTUVWXYZ23456789"
