package pages

import (
	"github.com/postern-id/postern/internal/method/authenticator"
	"github.com/postern-id/postern/internal/method/federated"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/method/password"
	"github.com/postern-id/postern/internal/method/tap"
	"github.com/postern-id/postern/internal/method/totp"
	"github.com/postern-id/postern/internal/signin"
)

// A methodPage is how a sign-in asks for one method.
type methodPage struct {
	id    signin.MethodID // also its step
	field string          // of the form that has the answer; empty where none is typed
	icon  string          // a symbol of icons.svg
	// show returns the page; prompt is what [signin.Prompter] says.
	show func(base frame, v visit, who who, prompt []byte) (page, error)
}

// methodPages are the methods that a page can ask for. Their names and descriptions are the
// words method_ID and method_ID_text.
var methodPages = []methodPage{
	{tap.MethodID, "accesspass", "pass", showAccessPass},
	{passkey.MethodID, "assertion", "passkey", showPasskey},
	{totp.MethodID, "otc", "keypad", showCode},
	{authenticator.MethodID, "answered", "phone", showAuthenticator},
	{password.MethodID, "password", "lock", showPassword},
	{federated.MethodID, "", "globe", showFederated},
}

func methodPageOf(id signin.MethodID) (methodPage, bool) {
	for _, m := range methodPages {
		if m.id == id {
			return m, true
		}
	}
	return methodPage{}, false
}

func showAccessPass(base frame, v visit, who who, _ []byte) (page, error) {
	p := accessPassPage{frame: base, who: who, WorksFrom: v.worksFrom, OtherWaysHref: Address(v.handle) + "&go=methods"}
	if v.realm.Federated {
		p.Provider, p.FederatedHref = v.realm.Name, upstreamAddress(v)
	}
	return p, nil
}
