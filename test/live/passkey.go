package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"

	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
)

// MakePasskey makes a passkey for a person, as an administrator does.
func (g *Graph) MakePasskey(ctx context.Context, server, user string) (*passkeytest.Authenticator, error) {
	methods := "/v1.0/users/" + user + "/authentication/fido2Methods"
	var options struct{ PublicKey json.RawMessage }
	if err := g.must(ctx, server, http.MethodGet, methods+"/creationOptions", "", http.StatusOK, &options); err != nil {
		return nil, err
	}
	key := passkeytest.New("https://localhost") // the house's public URL
	response, err := key.Create(options.PublicKey)
	if err != nil {
		return nil, err
	}
	body := fmt.Sprintf(`{"displayName":"Key","publicKeyCredential":%s}`, response)
	return key, g.must(ctx, server, http.MethodPost, methods, body, http.StatusCreated, nil)
}

var passkeyOptions = regexp.MustCompile(`data-options="([^"]+)"`)

// SignInByPasskey goes all the way with a passkey and without a name, and returns a code.
func (b *Browser) SignInByPasskey(ctx context.Context, server string, key *passkeytest.Authenticator) (string, error) {
	page, err := b.Begin(ctx, server)
	if err != nil {
		return "", err
	}
	shown, err := b.Get(ctx, server, page)
	if err != nil {
		return "", err
	}
	found := passkeyOptions.FindStringSubmatch(shown.Body)
	if found == nil {
		return "", errors.New("the page asks for no passkey")
	}
	assertion, err := key.Get([]byte(html.UnescapeString(found[1])))
	if err != nil {
		return "", err
	}
	a, err := b.do(ctx, http.MethodPost, server+page, url.Values{"assertion": {assertion}})
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("passkey: %d\n%s", a.Status, a.Body)
	}
	if err != nil {
		return "", err
	}
	a, err = b.Stay(ctx, server, page)
	if err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("stay: %d\n%s", a.Status, a.Body)
	}
	if err != nil {
		return "", err
	}
	return b.Code(ctx, server, a.Location)
}
