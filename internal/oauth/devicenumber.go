package oauth

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"unicode"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/dpop"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/oauth/oautherr"
)

// A code of the agent signs a person in at a device that they may have been talked into: it is
// bound to the key of that device, its page names the host, and the person copies a number
// that stands on the device's screen (docs/threat-model.md, rule 18). A device that joins
// hears its number only once somebody is at the page, so that no letter can hold both.

const (
	numberDigits = 4
	// numberTries bounds wrong numbers: a guess in three tries among 10,000.
	numberTries = 3
	maxHost     = 64 // characters
)

// Faults of the number.
var (
	ErrNumber = &fault.Error{
		Kind: fault.Invalid, Code: "deviceNumberWrong",
		Text: "This isn’t the number on the other screen.", Remedy: "Copy the number from the device that shows the code.",
	}
	ErrNumberOver = &fault.Error{
		Kind: fault.Forbidden, Code: "deviceNumberTries",
		Text: "The number was wrong too often, so the code is over.", Remedy: "Start again on the device, if it is in front of you. Else tell the helpdesk.",
	}
)

// bindDeviceCode ties d to the key that asks, and draws its number.
func (s *Server) bindDeviceCode(x *exchange, d *DeviceCode) error {
	key, err := s.proof(x, "")
	if err != nil {
		return err
	}
	if key == "" {
		return dpop.ErrInvalid.With("DPoP", "A device asks for a code with a proof of its key.")
	}
	d.Thumbprint, d.Host = key, hostOf(x.r)
	if d.Device, err = s.deviceOf(x.r, x.tenant.ID, authRequest{Client: d.App, Scope: d.Scope}, x.r.PostForm, key); err != nil {
		return err
	}
	if d.Device != nil {
		d.Host = d.Device.DisplayName
	}
	n, err := rand.Int(s.Rand, big.NewInt(10000))
	if err != nil {
		return err
	}
	d.Number = fmt.Sprintf("%0*d", numberDigits, n)
	return nil
}

// hostOf is the name that a device gives itself, as far as a page can show it.
func hostOf(r *http.Request) string {
	name := []rune(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, r.PostForm.Get("device_name")))
	return strings.TrimSpace(string(name[:min(len(name), maxHost)]))
}

// checkNumber reports whether typed is the number that the device shows. A wrong one counts;
// nothing typed does not.
func (s *Server) checkNumber(r *http.Request, a approval, typed string) error {
	typed = strings.Join(strings.Fields(typed), "")
	if a.code.Number == "" || subtle.ConstantTimeCompare([]byte(typed), []byte(a.code.Number)) == 1 {
		return nil
	}
	if typed == "" {
		return ErrNumber
	}
	e := s.personEvent(r, Family{Tenant: a.session.Tenant, Session: a.session.ID, Protocol: audit.ProtocolDeviceCode, Device: a.code.Device}, a.client, a.user, "")
	e.CorrelationID = a.code.CorrelationID
	e.SignIn.ErrorCode, e.SignIn.FailureReason = oautherr.ErrBadDeviceCode.AADSTS, "A wrong number was typed for a device code."
	left, err := s.Store.MissDeviceCode(r.Context(), a.code, numberTries, s.Now(), e)
	switch {
	case err != nil:
		return err
	case left == 0:
		return ErrNumberOver
	}
	return ErrNumber
}

// joins reports whether d is of a device that is about to join.
func (d DeviceCode) joins() bool {
	return d.App == directory.AgentAppID && d.Device == nil
}
