package pages

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/directory/branding"
)

// Images are those of tenants' branding.
type Images interface {
	// BrandingImage returns the image of a slot with a hash, or branding.ErrUnknown.
	BrandingImage(ctx context.Context, tenant directory.TenantID, slot branding.Slot, hash string) ([]byte, error)
}

// A brand is what of a tenant's branding a page shows. Its texts are texts, and its addresses
// are this server's own, those of links excepted.
type brand struct {
	Style         string // of a style sheet for what has the class branded
	Banner        string // instead of sign and name
	Square        string // instead of the sign
	Picture, Icon string
	Hint          string
	Text          []string // lines
	Links         []brandLink
}

// A brandLink leads to a page of the tenant's. Without a text it is called what key says.
type brandLink struct{ Key, Text, Href string }

func brandOf(t directory.Tenant) brand {
	b, id := t.Branding, string(t.ID)
	shown := brand{
		Style: b.StylePath(), Banner: b.Path(id, branding.BannerLogo), Square: b.Path(id, branding.SquareLogo),
		Picture: b.Path(id, branding.BackgroundImage), Icon: b.Path(id, branding.Favicon),
		Hint: b.UsernameHintText,
	}
	if b.SignInPageText != "" {
		shown.Text = strings.Split(strings.ReplaceAll(b.SignInPageText, "\r\n", "\n"), "\n")
	}
	for _, l := range []brandLink{{"privacy", b.PrivacyText, b.PrivacyURL}, {"terms", b.TermsText, b.TermsURL}} {
		if l.Href != "" {
			shown.Links = append(shown.Links, l)
		}
	}
	return shown
}

// brandingStyle serves a style sheet of a tenant's colours, which its name has in it.
func (s *Site) brandingStyle(w http.ResponseWriter, r *http.Request) {
	css, ok := branding.Style(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	serveForEver(w, r, "text/css; charset=utf-8", []byte(css))
}

// brandingImage serves an image of a tenant's branding. Its type is that which it was drawn
// in, whatever the address says.
func (s *Site) brandingImage(w http.ResponseWriter, r *http.Request) {
	tenant, file := directory.TenantID(r.PathValue("tenant")), r.PathValue("file")
	slot, rest, _ := strings.Cut(file, ".")
	hash := strings.TrimSuffix(rest, path.Ext(rest))
	t, err := s.Tenants.Tenant(r.Context(), tenant)
	i, ok := t.Branding.Images[branding.Slot(slot)]
	if err != nil || !ok || i.Hash != hash || i.File(branding.Slot(slot)) != file {
		http.NotFound(w, r)
		return
	}
	content, err := s.Images.BrandingImage(r.Context(), tenant, branding.Slot(slot), hash)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "an image could not be served", "path", r.URL.Path, "err", err)
		http.NotFound(w, r)
		return
	}
	serveForEver(w, r, i.Type, content)
}

func serveForEver(w http.ResponseWriter, r *http.Request, kind string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
