package administration

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// brandingFields are the fields of the form, by Graph's names.
var brandingFields = []string{
	"postern_actionColor", "backgroundColor", "signInPageText", "usernameHintText",
	"customPrivacyAndCookiesText", "customPrivacyAndCookiesUrl", "customTermsOfUseText", "customTermsOfUseUrl",
}

// slots are the images, by Graph's names.
var slots = []string{"bannerLogo", "squareLogo", "backgroundImage", "favicon"}

type brandingPage struct { // branding.html
	console.Frame
	Typed    map[string]string
	Tag      string
	Images   []slotImage
	Preview  preview
	Changes  []change
	Conflict *conflict
	Writes   bool
	Unlike   *console.Trouble // what is wrong with the draft
	// Slot is the image that Fault is about; empty when it is about the texts.
	Slot string

	Colors, LinkFields, Themes []string
}

// A slotImage is a place for an image, and where the one in it is.
type slotImage struct{ Slot, Href string }

// A preview is what the sign-in page would show.
type preview struct {
	Style, Banner, Square, Picture string
	Hint                           string
	Lines                          []string
	Links                          []string
	LinkWords                      []string // keys, for links without a text
}

// File implements console.Page.
func (brandingPage) File() string { return "branding.html" }

// own returns the address of something that Graph says is served here. Anything but a file of
// branding is left out: the policy of the page would not let it load.
func own(relative string) string {
	if !strings.HasPrefix(relative, "assets/branding/") {
		return ""
	}
	return "/" + relative
}

func previewOf(o graphclient.Object) preview {
	p := preview{
		Style: own(o.Text("postern_styleSheetRelativeUrl")), Banner: own(o.Text("bannerLogoRelativeUrl")), Square: own(o.Text("squareLogoRelativeUrl")),
		Picture: own(o.Text("backgroundImageRelativeUrl")), Hint: o.Text("usernameHintText"),
	}
	if text := o.Text("signInPageText"); text != "" {
		p.Lines = strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	}
	for _, l := range []struct{ words, text, url string }{
		{"administration_privacy", "customPrivacyAndCookiesText", "customPrivacyAndCookiesUrl"},
		{"administration_terms", "customTermsOfUseText", "customTermsOfUseUrl"},
	} {
		if o.Text(l.url) != "" {
			p.Links, p.LinkWords = append(p.Links, o.Text(l.text)), append(p.LinkWords, l.words)
		}
	}
	return p
}

// branding returns what the tenant said; where it said nothing, an empty object.
func branding(c *console.Call) (graphclient.Object, error) {
	properties := append(slices.Clone(brandingFields), "id", "bannerLogoRelativeUrl", "squareLogoRelativeUrl", "backgroundImageRelativeUrl", "faviconRelativeUrl")
	if c.Foreign() {
		properties = slices.DeleteFunc(properties, func(p string) bool { return strings.HasPrefix(p, "postern_") })
	} else {
		properties = append(properties, "postern_styleSheetRelativeUrl")
	}
	o, err := c.Graph.Select(c.Context(), strings.Join(properties, ","), "organization", c.Person.TenantID, "branding")
	var refused *graphclient.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return graphclient.Object{}, nil
	}
	return o, err
}

func newBrandingPage(c *console.Call, o graphclient.Object) brandingPage {
	p := brandingPage{Frame: c.Frame("administration"), Typed: map[string]string{}, Tag: o.Text(graphclient.ETag), Preview: previewOf(o), Writes: c.May(writeBranding)}
	p.Colors, p.LinkFields, p.Themes = []string{"postern_actionColor", "backgroundColor"}, []string{"customPrivacyAndCookies", "customTermsOfUse"}, []string{"light", "dark"}
	if c.Foreign() {
		p.Colors = p.Colors[1:]
	}
	for _, f := range brandingFields {
		p.Typed[f] = o.Text(f)
	}
	for _, s := range slots {
		p.Images = append(p.Images, slotImage{s, own(o.Text(s + "RelativeUrl"))})
	}
	return p
}

func showBranding(c *console.Call) error {
	o, err := branding(c)
	if err != nil {
		return err
	}
	return c.Show(http.StatusOK, newBrandingPage(c, o))
}

// typedBranding is the form as it was sent, and as Graph takes it.
func typedBranding(c *console.Call) (typed map[string]string, in graphclient.Object) {
	typed, in = map[string]string{}, graphclient.Object{}
	for _, f := range brandingFields {
		if c.Foreign() && strings.HasPrefix(f, "postern_") {
			continue
		}
		value := strings.ReplaceAll(c.Form(f), "\r\n", "\n")
		typed[f], in[f] = value, value
		if value == "" {
			in[f] = nil
		}
	}
	return typed, in
}

func changesOf(now graphclient.Object, typed map[string]string) []change {
	var all []change
	for _, f := range brandingFields {
		if then, ok := typed[f]; ok && then != now.Text(f) {
			all = append(all, change{"administration_" + f, now.Text(f), then})
		}
	}
	return all
}

// saveBranding saves the form or, for the button Preview, shows what would come of it.
func saveBranding(c *console.Call) error {
	typed, in := typedBranding(c)
	now, err := branding(c)
	if err != nil {
		return err
	}
	p := newBrandingPage(c, now)
	p.Typed, p.Changes = typed, changesOf(now, typed)
	if c.Form("do") == "preview" {
		p.Tag = c.Form("tag")
		draft, err := c.Graph.Do(c.Context(), http.MethodPost, in, "postern", "branding", "preview")
		if err == nil {
			p.Preview = previewOf(draft)
			return c.Show(http.StatusOK, p)
		}
		if p.Unlike = console.Explain(err); p.Unlike == nil {
			return err
		}
		return c.Show(http.StatusOK, p)
	}
	_, err = c.Graph.Matching(c.Form("tag")).Do(c.Context(), http.MethodPatch, in, "organization", c.Person.TenantID, "branding")
	if err == nil {
		return c.Go(root+"/branding", "branding_saved")
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	p.Fault = trouble
	if trouble.Status == http.StatusPreconditionFailed {
		p.Conflict, p.Changes = &conflict{Theirs: p.Changes}, nil
	} else {
		p.Tag = c.Form("tag")
	}
	return c.Show(statusOf(trouble), p)
}

// saveImage puts an image in its place, or takes it away.
func saveImage(c *console.Call) error {
	slot := c.R.PathValue("slot")
	if !slices.Contains(slots, slot) {
		return console.ErrNowhere
	}
	// The form goes first: it has the file, which may be too large.
	if err := c.R.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	graph := c.Graph.Matching(c.Form("tag"))
	path := []string{"organization", c.Person.TenantID, "branding", slot}
	done := "image_saved"
	var err error
	if c.Form("do") == "remove" {
		done = "image_removed"
		_, err = graph.Do(c.Context(), http.MethodDelete, nil, path...)
	} else {
		var data []byte
		if data, err = uploaded(c); err == nil {
			err = graph.Upload(c.Context(), "image/*", data, path...)
		}
	}
	if err == nil {
		return c.Go(root+"/branding", done)
	}
	trouble := console.Explain(err)
	if trouble == nil {
		return err
	}
	now, readErr := branding(c)
	if readErr != nil {
		return readErr
	}
	p := newBrandingPage(c, now)
	p.Fault, p.Slot = trouble, slot
	return c.Show(statusOf(trouble), p)
}

// uploaded is the file of the form. Its name and type are not looked at; no file is an empty
// one, which Graph refuses with words.
func uploaded(c *console.Call) ([]byte, error) {
	file, _, err := c.R.FormFile("image")
	if errors.Is(err, http.ErrMissingFile) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(file)
}
