package passkey

import (
	"github.com/go-webauthn/webauthn/protocol"

	"github.com/postern-id/postern/internal/directory"
)

// An Assertion is an authenticator's answer at a sign-in, not yet checked.
type Assertion struct {
	parsed *protocol.ParsedCredentialAssertionData
}

// ParseAssertion reads AuthenticationResponseJSON.
func ParseAssertion(text string) (Assertion, error) {
	if len(text) > mostResponse {
		return Assertion{}, errWrong
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(text))
	if err != nil || len(parsed.RawID) > mostCredentialID {
		return Assertion{}, errWrong
	}
	return Assertion{parsed}, nil
}

// CredentialID says which key answered.
func (a Assertion) CredentialID() []byte { return a.parsed.RawID }

// Owner says whose key it claims to be, by its user handle.
func (a Assertion) Owner() (directory.TenantID, directory.UserID, bool) {
	return owner(a.parsed.Response.UserHandle)
}

// Verify checks the assertion as WebAuthn section 7.2 says, user verification included, and
// returns the signature counter. That the key is the one that answered, belongs to whom the
// user handle names and was made for this party is checked here; whether the counter moved is
// the store's to say.
func (a Assertion) Verify(party RelyingParty, challenge []byte, k Key) (counter int64, err error) {
	if !same(a.parsed.RawID, k.CredentialID) || k.RPID != party.ID {
		return 0, errUnknown
	}
	if err := a.parsed.Verify(b64.EncodeToString(challenge), party.ID, "", []string{party.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, true, true, k.PublicKey, protocol.SignaturePolicy{}); err != nil {
		return 0, errWrong.With("", errWrong.Text+" ("+why(err)+")")
	}
	flags := a.parsed.Response.AuthenticatorData.Flags
	if flags.HasBackupEligible() != k.BackupEligible || flags.HasBackupState() && !flags.HasBackupEligible() {
		return 0, errWrong
	}
	return int64(a.parsed.Response.AuthenticatorData.Counter), nil
}
