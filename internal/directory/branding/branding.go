// Package branding is how a tenant's sign-in pages look and speak, as far as the tenant may
// say: logos, a picture, two colours, some texts and links. It holds the rules of what is
// taken; names and limits follow Graph's organizationalBranding. What is served to browsers is
// made from checked values alone: colours become a style sheet here, images are drawn anew in
// package picture, texts stay texts.
package branding

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// Branding is what a tenant said. Empty parts leave the product's own look.
type Branding struct {
	ActionColor     string `json:"actionColor,omitempty"`     // #0b5768: buttons and links
	BackgroundColor string `json:"backgroundColor,omitempty"` // beside the form, where there is no picture

	SignInPageText   string `json:"signInPageText,omitempty"`   // below the form; may have several lines
	UsernameHintText string `json:"usernameHintText,omitempty"` // below the field for the name
	PrivacyText      string `json:"privacyText,omitempty"`
	PrivacyURL       string `json:"privacyUrl,omitempty"`
	TermsText        string `json:"termsText,omitempty"`
	TermsURL         string `json:"termsUrl,omitempty"`

	Images map[Slot]Image `json:"images,omitempty"`

	ModifiedAt time.Time `json:"-"` // zero: nobody ever said anything
	Version    int64     `json:"-"` // counts changes
}

// A Slot is a place for an image, by Graph's name.
type Slot string

// The slots.
const (
	BannerLogo      Slot = "bannerLogo"      // instead of sign and name
	SquareLogo      Slot = "squareLogo"      // instead of the sign
	BackgroundImage Slot = "backgroundImage" // beside the form
	Favicon         Slot = "favicon"
)

// Slots lists them all.
var Slots = []Slot{BannerLogo, SquareLogo, BackgroundImage, Favicon}

// An Image is one that is kept. Its content lies elsewhere.
type Image struct {
	Hash   string `json:"hash"` // of the content, in hexadecimal digits
	Type   string `json:"type"` // image/png or image/jpeg
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// Root is the path below which images and style sheets are served.
const Root = "/assets/branding/"

// File returns the last part of the path of i in slot.
func (i Image) File(slot Slot) string {
	extension := ".png"
	if i.Type == "image/jpeg" {
		extension = ".jpg"
	}
	return string(slot) + "." + i.Hash + extension
}

// Path returns where the image in slot of a tenant is served, or "" when there is none. It has
// the image's hash in it, so that what it leads to never changes.
func (b Branding) Path(tenant string, slot Slot) string {
	i, ok := b.Images[slot]
	if !ok {
		return ""
	}
	return Root + tenant + "/" + i.File(slot)
}

// With returns b with i in slot.
func (b Branding) With(slot Slot, i Image) Branding {
	b.Images = maps.Clone(b.Images)
	if b.Images == nil {
		b.Images = map[Slot]Image{}
	}
	b.Images[slot] = i
	return b
}

// Limits, of Graph where it has one.
const (
	maxPageText = 1024
	maxHint     = 64
	maxLinkText = 256
	maxURL      = 128
)

// Faults of branding.
var (
	ErrText = &fault.Error{
		Kind: fault.Invalid, Code: "brandingTextInvalid",
		Text: "This text can't be shown on the sign-in pages.", Remedy: "Shorten it, and leave out control characters.",
	}
	ErrLink = &fault.Error{
		Kind: fault.Invalid, Code: "brandingLinkInvalid",
		Text: "This is not the address of a page.", Remedy: "Write it like https://contoso.example/privacy, with 128 characters at most.",
	}
	ErrColor = &fault.Error{
		Kind: fault.Invalid, Code: "brandingColorInvalid",
		Text: "This is not a colour.", Remedy: "Write it with six hexadecimal digits, like #0b5768.",
	}
	ErrContrast = &fault.Error{
		Kind: fault.Invalid, Code: "brandingColorPale",
		Text: "This colour is too pale to be read.", Remedy: "Choose a darker one.",
	}
	ErrUnknown = &fault.Error{Kind: fault.NotFound, Code: "brandingUnknown", Text: "The tenant has no branding."}
	ErrChanged = &fault.Error{
		Kind: fault.Precondition, Code: "brandingChanged",
		Text: "Somebody else changed the branding meanwhile.", Remedy: "Read it again, then decide.",
	}
)

// Check reports what is wrong with b as a fault that names the property as Graph does, or nil.
func (b Branding) Check() error {
	for _, t := range []struct {
		name, text string
		most       int
		lines      bool
	}{
		{"signInPageText", b.SignInPageText, maxPageText, true},
		{"usernameHintText", b.UsernameHintText, maxHint, false},
		{"customPrivacyAndCookiesText", b.PrivacyText, maxLinkText, false},
		{"customTermsOfUseText", b.TermsText, maxLinkText, false},
	} {
		switch {
		case utf8.RuneCountInString(t.text) > t.most:
			return ErrText.With(t.name, t.name+" has more than "+strconv.Itoa(t.most)+" characters.")
		case !showable(t.text, t.lines):
			return ErrText.With(t.name, t.name+" has a character that can't be shown.")
		}
	}
	for name, address := range map[string]string{"customPrivacyAndCookiesUrl": b.PrivacyURL, "customTermsOfUseUrl": b.TermsURL} {
		if address != "" && !isPage(address) {
			return ErrLink.With(name, "")
		}
	}
	if b.BackgroundColor != "" {
		if _, err := ParseColor(b.BackgroundColor); err != nil {
			return ErrColor.With("backgroundColor", "")
		}
	}
	if b.ActionColor != "" {
		c, err := ParseColor(b.ActionColor)
		if err != nil {
			return ErrColor.With("postern_actionColor", "")
		}
		if _, err := NewPalette(c); err != nil {
			return err
		}
	}
	return nil
}

// showable reports whether s has nothing that breaks a line or reorders what stands beside it.
func showable(s string, lines bool) bool {
	for _, r := range s {
		switch {
		case lines && (r == '\n' || r == '\r'):
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError,
			unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return false
		}
	}
	return true
}

// isPage reports whether address is that of a page, by https: no other scheme can run
// anything, and a name before an @ can't pretend to be the host.
func isPage(address string) bool {
	if len(address) > maxURL || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>\^`+"`{|}", r) }) {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.Opaque == ""
}
