package live

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Open shows a page as it answers, whatever the status.
func (b *Browser) Open(ctx context.Context, server, page string) (Answer, error) {
	return b.do(ctx, http.MethodGet, server+path(page), nil)
}

// EnterConsole signs in to the console with a pass.
func (b *Browser) EnterConsole(ctx context.Context, server, name, pass string) error {
	a, err := b.Open(ctx, server, "/console/")
	if err == nil {
		a, err = b.Open(ctx, server, a.Location)
	}
	if err != nil {
		return err
	}
	page := path(a.Location)
	if err := b.Identify(ctx, server, page, name); err != nil {
		return err
	}
	if a, err = b.Prove(ctx, server, page, pass); err == nil && a.Status != http.StatusSeeOther {
		err = fmt.Errorf("pass: %d\n%s", a.Status, a.Body)
	}
	if err != nil {
		return err
	}
	a, err = b.Stay(ctx, server, page)
	for range 5 { // to the authorization server, and back with a code
		if err != nil || a.Status != http.StatusSeeOther && a.Status != http.StatusFound {
			break
		}
		a, err = b.Open(ctx, server, a.Location)
	}
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("the console answers %d", a.Status)
	}
	return err
}

// Weigh returns how many bytes a page or a file is, as it is sent to a browser that takes gzip.
func (b *Browser) Weigh(ctx context.Context, server, page string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server+page, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Accept-Encoding", "gzip") // named, so that the client leaves it packed
	r.Header.Set("X-Forwarded-For", b.from)
	res, err := b.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", page, res.StatusCode)
	}
	return int(n), err
}
