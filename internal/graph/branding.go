package graph

import (
	"context"
	"strings"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/directory/branding/picture"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
)

// Brandings keeps how tenants' sign-in pages look. What there is comes with the tenant.
type Brandings interface {
	// SaveBranding stores b if its version is still the stored one, else branding.ErrChanged,
	// with the fresh image of one slot if there is one, and records e.
	SaveBranding(ctx context.Context, tenant directory.TenantID, b branding.Branding, fresh *picture.Picture, e audit.Event) error
	// DeleteBranding removes it all, if its version is still the stored one.
	DeleteBranding(ctx context.Context, tenant directory.TenantID, version int64, e audit.Event) error
	// BrandingImage returns the image of a slot with a hash, or branding.ErrUnknown.
	BrandingImage(ctx context.Context, tenant directory.TenantID, slot branding.Slot, hash string) ([]byte, error)
}

// ErrLocale says that there is one branding for all languages.
var ErrLocale = &fault.Error{
	Kind: fault.NotFound, Code: "brandingLocale",
	Text: "There is one branding, for all languages.", Remedy: "Its id is 0.",
}

// brandingID is that of the default branding, which is the only one.
const brandingID = "0"

var brandingProperties = names(brandingResource(branding.Branding{}, "", ""))

// brandingResource is b as Graph shows it. Images are shown by where they are served: below
// publicURL, which stands in for Graph's content delivery networks.
// https://learn.microsoft.com/graph/api/resources/organizationalbranding
func brandingResource(b branding.Branding, tenant directory.TenantID, publicURL string) odata.Entity {
	at := func(slot branding.Slot) any { return text(strings.TrimPrefix(b.Path(string(tenant), slot), "/")) }
	cdn := []string{}
	if len(b.Images) > 0 {
		cdn = append(cdn, strings.TrimPrefix(publicURL, "https://"))
	}
	return odata.Entity{
		{Name: odata.TagName, Value: odata.ETag(b.Version)},
		{Name: "id", Value: brandingID},
		{Name: "backgroundColor", Value: text(b.BackgroundColor)},
		{Name: "backgroundImageRelativeUrl", Value: at(branding.BackgroundImage)},
		{Name: "bannerLogoRelativeUrl", Value: at(branding.BannerLogo)},
		{Name: "cdnList", Value: cdn},
		{Name: "customPrivacyAndCookiesText", Value: text(b.PrivacyText)},
		{Name: "customPrivacyAndCookiesUrl", Value: text(b.PrivacyURL)},
		{Name: "customTermsOfUseText", Value: text(b.TermsText)},
		{Name: "customTermsOfUseUrl", Value: text(b.TermsURL)},
		{Name: "faviconRelativeUrl", Value: at(branding.Favicon)},
		{Name: "signInPageText", Value: text(b.SignInPageText)},
		{Name: "squareLogoRelativeUrl", Value: at(branding.SquareLogo)},
		{Name: "usernameHintText", Value: text(b.UsernameHintText)},
		{Name: "postern_actionColor", Value: text(b.ActionColor), OnSelect: true},
		{Name: "postern_styleSheetRelativeUrl", Value: text(strings.TrimPrefix(b.StylePath(), "/")), OnSelect: true},
	}
}

// readBranding reads what may be changed. What was read can be written back.
func readBranding(body *odata.Object, b *branding.Branding) {
	for _, readOnly := range []string{"id", "cdnList", "bannerLogoRelativeUrl", "squareLogoRelativeUrl", "backgroundImageRelativeUrl", "faviconRelativeUrl", "postern_styleSheetRelativeUrl"} {
		_ = body.Raw(readOnly)
	}
	body.String("backgroundColor", &b.BackgroundColor)
	body.String("postern_actionColor", &b.ActionColor)
	body.String("signInPageText", &b.SignInPageText)
	body.String("usernameHintText", &b.UsernameHintText)
	body.String("customPrivacyAndCookiesText", &b.PrivacyText)
	body.String("customPrivacyAndCookiesUrl", &b.PrivacyURL)
	body.String("customTermsOfUseText", &b.TermsText)
	body.String("customTermsOfUseUrl", &b.TermsURL)
	body.NotKept("contentCustomization", "customAccountResetCredentialsUrl", "customCannotAccessYourAccountText", "customCannotAccessYourAccountUrl",
		"customCSS", "customCSSRelativeUrl", "customForgotMyPasswordText", "customResetItNowText", "headerBackgroundColor", "headerLogo",
		"headerLogoRelativeUrl", "loginPageLayoutConfiguration", "loginPageTextVisibilitySettings", "squareLogoDark", "squareLogoDarkRelativeUrl",
		"backgroundImage", "bannerLogo", "favicon", "squareLogo") // streams are sent alone
}

// brandingLocale refuses every other tenant, and every locale but the default.
func (c *call) brandingLocale() error {
	if err := c.ownTenant(); err != nil {
		return err
	}
	switch c.r.PathValue("locale") {
	case "", brandingID, "default":
		return nil
	}
	return ErrLocale
}

// getBranding serves GET /organization/{id}/branding, and that of the locale 0.
// https://learn.microsoft.com/graph/api/organizationalbranding-get
func (a *API) getBranding(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: brandingProperties})
	if err != nil {
		return err
	}
	b := c.tenant.Branding
	if b.Version == 0 {
		return branding.ErrUnknown
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("branding", o.Select), brandingResource(b, c.tenant.ID, a.PublicURL).Select(o.Select))
}

// listBrandings serves GET /organization/{id}/branding/localizations: the default or nothing.
func (a *API) listBrandings(c *call) error {
	if err := c.ownTenant(); err != nil {
		return err
	}
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: brandingProperties})
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection("branding/localizations", o.Select), Value: []odata.Entity{}}
	if b := c.tenant.Branding; b.Version > 0 {
		page.Value = append(page.Value, brandingResource(b, c.tenant.ID, a.PublicURL).Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// patchBranding serves PATCH /organization/{id}/branding. Texts and colours only: an image is
// a request of its own. https://learn.microsoft.com/graph/api/organizationalbranding-update
func (a *API) patchBranding(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(c.tenant.Branding.Version)); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	b := c.tenant.Branding
	readBranding(body, &b)
	if err := body.Done(); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	return a.saveBranding(c, b, nil)
}

func (a *API) saveBranding(c *call, b branding.Branding, fresh *picture.Picture) error {
	b.ModifiedAt = a.Now().UTC()
	if err := a.Store.SaveBranding(c.ctx(), c.tenant.ID, b, fresh, a.brandingEvent(c, audit.OperationUpdate, b)); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

func (a *API) brandingEvent(c *call, operation string, b branding.Branding) audit.Event {
	b.Version = c.tenant.Branding.Version // which is no change that anybody asked for
	return a.tenantEvent(c, audit.UpdateBranding, operation, audit.Target{
		ID: string(c.tenant.ID), Type: audit.TargetDirectory, DisplayName: c.tenant.DisplayName,
		Modified: modified(brandingResource(c.tenant.Branding, c.tenant.ID, a.PublicURL), brandingResource(b, c.tenant.ID, a.PublicURL)),
	})
}

// deleteBranding serves DELETE /organization/{id}/branding: the product's own look is back.
func (a *API) deleteBranding(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	version := c.tenant.Branding.Version
	if version == 0 {
		return branding.ErrUnknown
	}
	if err := odata.Match(c.r, odata.ETag(version)); err != nil {
		return err
	}
	if err := a.Store.DeleteBranding(c.ctx(), c.tenant.ID, version, a.brandingEvent(c, audit.OperationDelete, branding.Branding{})); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// previewBranding serves POST /postern/branding/preview: what the sign-in pages would get from
// a draft of the properties, which is not kept. It says what is wrong as the change would.
func (a *API) previewBranding(c *call) error {
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	b := c.tenant.Branding
	readBranding(body, &b)
	if err := body.Done(); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	all := brandingResource(b, c.tenant.ID, a.PublicURL)
	return odata.WriteEntity(c.w, 200, a.root(c).Entity("postern/branding", nil), all.Select(all.Names()))
}
