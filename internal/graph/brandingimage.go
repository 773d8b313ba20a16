package graph

import (
	"bytes"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"

	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/directory/branding/picture"
	"github.com/postern-id/postern/internal/graph/odata"
)

// slot is the image that {stream} names. Streams that are not kept are notSupported.
func (c *call) slot() (branding.Slot, error) {
	name := c.r.PathValue("stream")
	for _, slot := range branding.Slots {
		if name == string(slot) {
			return slot, nil
		}
	}
	switch name {
	case "headerLogo", "squareLogoDark", "customCSS":
		return "", odata.ErrNotKept.With(name, name+" is not kept here.")
	}
	return "", ErrPath
}

// getImage serves GET /organization/{id}/branding/{stream}, and {} where there is none, as
// Graph does.
func (a *API) getImage(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	slot, err := c.slot()
	if err != nil {
		return err
	}
	i, ok := c.tenant.Branding.Images[slot]
	if !ok {
		return odata.WriteJSON(c.w, http.StatusOK, map[string]any{})
	}
	content, err := a.Store.BrandingImage(c.ctx(), c.tenant.ID, slot, i.Hash)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", i.Type)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, err = io.Copy(c.w, bytes.NewReader(content))
	return err
}

// putImage serves PUT /organization/{id}/branding/{stream}: PNG or JPEG, which is drawn anew.
func (a *API) putImage(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	slot, err := c.slot()
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(c.tenant.Branding.Version)); err != nil {
		return err
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "image/") {
		return picture.ErrFormat
	}
	data, err := odata.ReadBytes(c.r, picture.MaxBytes)
	if err != nil {
		return err
	}
	p, err := picture.Read(slot, data)
	if err != nil {
		return err
	}
	return a.saveBranding(c, c.tenant.Branding.With(slot, p.Image), &p)
}

// deleteImage serves DELETE /organization/{id}/branding/{stream}.
func (a *API) deleteImage(c *call) error {
	if err := c.brandingLocale(); err != nil {
		return err
	}
	slot, err := c.slot()
	if err != nil {
		return err
	}
	if err := odata.Match(c.r, odata.ETag(c.tenant.Branding.Version)); err != nil {
		return err
	}
	b := c.tenant.Branding
	if _, ok := b.Images[slot]; !ok {
		return branding.ErrUnknown
	}
	b.Images = maps.Clone(b.Images)
	delete(b.Images, slot)
	return a.saveBranding(c, b, nil)
}
