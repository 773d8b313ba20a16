package oauth

import (
	"net/url"

	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// refuseRequestURI refuses requests by reference where there are none (RFC 9126 section 2.1).
func refuseRequestURI(form url.Values) error {
	if form.Has("request_uri") {
		return oautherr.ErrRequestURI.With("", "A request_uri has no place in this request.")
	}
	if form.Has("request") {
		return oautherr.ErrRequestObject
	}
	return nil
}
