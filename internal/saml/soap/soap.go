// Package soap is the SOAP binding of SAML over HTTP (saml-bindings 3.2): what servers say to each
// other without a browser. What a message means is left to package saml.
package soap

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/saml"
)

// Read reads a request that came by SOAP.
func Read(w http.ResponseWriter, r *http.Request) (saml.Incoming, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, saml.MaxMessage))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return saml.Incoming{}, saml.ErrTooLarge
	}
	if err != nil {
		return saml.Incoming{}, fmt.Errorf("read a SOAP message: %w", err)
	}
	e, err := saml.FromSOAP(body, false)
	if err != nil {
		return saml.Incoming{}, err
	}
	return saml.Read(e)
}

// Write writes an answer, or what was wrong: who is not believed gets 403 (saml-bindings
// 3.2.3.3), and every other fault 500, as SOAP 1.1 has it.
func Write(w http.ResponseWriter, answer []byte, wrong error) {
	status := http.StatusOK
	if wrong != nil {
		status = http.StatusInternalServerError
		why := "The server failed."
		if f, ok := errors.AsType[*fault.Error](wrong); ok {
			why = f.Text
			if f.Kind != fault.Invalid {
				status = http.StatusForbidden
			}
		}
		answer, _ = saml.SOAPFault(why) // made of constants
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}
