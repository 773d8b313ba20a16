package passkey

import (
	"crypto/sha1" //nolint:gosec // thumbprints name certificates in Graph, they protect nothing
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
)

// mostResponse bounds what is parsed: an answer with a chain of certificates has some 10 kB.
const mostResponse = 64 << 10

// mostPublicKey is the longest COSE_Key: RSA with 8192 bits. Longer ones only cost time at each
// sign-in.
const mostPublicKey = 1100

// mostCredentialID is the longest credential id (WebAuthn section 4).
const mostCredentialID = 1023

// A Registration is what a new key has to fit.
type Registration struct {
	Party     RelyingParty
	Policy    Policy
	Makers    *Makers // who is trusted to attest; nil for nobody
	Challenge []byte
}

// Register checks the answer of an authenticator (RegistrationResponseJSON) as WebAuthn
// section 7.1 says, and what the policy adds. It returns the key with its signature counter.
func (r Registration) Register(response []byte) (Key, int64, error) {
	parsed, err := parseCreation(response)
	if err != nil {
		return Key{}, 0, err
	}
	attested := &parsed.Response.AttestationObject
	if len(attested.AuthData.AttData.CredentialPublicKey) > mostPublicKey {
		return Key{}, 0, fmt.Errorf("%w (length of the public key)", ErrResponse)
	}
	if !attested.AuthData.Flags.HasUserVerified() {
		return Key{}, 0, ErrUnverified
	}
	if _, err := parsed.Verify(b64.EncodeToString(r.Challenge), r.Party.ID, []string{r.Party.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, true, true, nil, algorithms,
		protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return Key{}, 0, fmt.Errorf("%w (%s)", ErrResponse, why(err))
	}
	if p := parsed.ClientExtensionResults.CredProps; p != nil && p.RK != nil && !*p.RK {
		return Key{}, 0, ErrNotResident
	}
	flags := attested.AuthData.Flags
	if flags.HasBackupState() && !flags.HasBackupEligible() {
		return Key{}, 0, fmt.Errorf("%w (backed up, but not to be backed up)", ErrResponse)
	}
	k := Key{
		CredentialID: attested.AuthData.AttData.CredentialID, PublicKey: attested.AuthData.AttData.CredentialPublicKey,
		RPID: r.Party.ID, BackupEligible: flags.HasBackupEligible(), BackedUp: flags.HasBackupState(),
	}
	if len(k.CredentialID) == 0 || len(k.CredentialID) > mostCredentialID {
		return Key{}, 0, fmt.Errorf("%w (length of the credential id)", ErrResponse)
	}
	copy(k.AAGUID[:], attested.AuthData.AttData.AAGUID)
	k.Transports = transports(parsed.Response.Transports)
	for _, der := range chain(attested) {
		sum := sha1.Sum(der) //nolint:gosec // see above
		k.Certificates = append(k.Certificates, hex.EncodeToString(sum[:]))
	}
	if k.Attested, err = r.Makers.vouch(attested, k.AAGUID); err != nil {
		return Key{}, 0, err
	}
	k.Model = r.Makers.Model(k.AAGUID)
	return k, int64(attested.AuthData.Counter), r.Policy.Admits(k)
}

// parseCreation reads RegistrationResponseJSON, and Graph's form of it, which lacks rawId and
// type.
func parseCreation(response []byte) (*protocol.ParsedCredentialCreationData, error) {
	filled, err := fill(response)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(filled)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrResponse, why(err))
	}
	return parsed, nil
}

// fill adds rawId and type where they are left out; they repeat what is known.
func fill(response []byte) ([]byte, error) {
	if len(response) > mostResponse {
		return nil, ErrResponse
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(response, &members); err != nil || members == nil {
		return nil, ErrResponse
	}
	if _, ok := members["rawId"]; !ok {
		members["rawId"] = members["id"]
	}
	if _, ok := members["type"]; !ok {
		members["type"] = json.RawMessage(`"public-key"`)
	}
	filled, err := json.Marshal(members)
	if err != nil {
		return nil, ErrResponse
	}
	return filled, nil
}

// transports keeps what is known of how the key is reached; browsers may say anything.
func transports(said []protocol.AuthenticatorTransport) []string {
	var all []string
	for _, t := range said {
		switch t {
		case protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal:
			all = append(all, string(t))
		}
	}
	return all
}

// chain returns the certificates of an attestation, the authenticator's first.
func chain(a *protocol.AttestationObject) [][]byte {
	list, _ := a.AttStatement["x5c"].([]any)
	var all [][]byte
	for _, one := range list {
		if der, ok := one.([]byte); ok {
			all = append(all, der)
		}
	}
	return all
}

// why says in the library's words what was wrong, for the log.
func why(err error) string {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.Details != "" {
		return e.Details
	}
	return "malformed"
}
