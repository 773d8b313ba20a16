package passkey

import "github.com/go-webauthn/webauthn/protocol"

// The signals of WebAuthn section 5.1.10 keep the list that an authenticator shows tidy:
// keys that are gone here vanish there, and names follow. Each is JSON for the method of
// PublicKeyCredential of the same name.

// SignalUnknown says that a key is not, or no longer, known (signalUnknownCredential). It
// tells a browser only about the key that it has just shown.
func SignalUnknown(party RelyingParty, credentialID []byte) []byte {
	return encode(protocol.SignalUnknownCredential{RPID: party.ID, CredentialID: credentialID})
}

// SignalAccepted lists all keys that a person has (signalAllAcceptedCredentials).
func SignalAccepted(party RelyingParty, handle []byte, keys []Key) []byte {
	all := protocol.SignalAllAcceptedCredentials{RPID: party.ID, UserID: handle, AllAcceptedCredentialIDs: []protocol.URLEncodedBase64{}}
	for _, k := range keys {
		all.AllAcceptedCredentialIDs = append(all.AllAcceptedCredentialIDs, k.CredentialID)
	}
	return encode(all)
}

// SignalDetails says what a person is called now (signalCurrentUserDetails).
func SignalDetails(party RelyingParty, p Person) []byte {
	return encode(protocol.SignalCurrentUserDetails{RPID: party.ID, UserID: p.Handle, Name: p.Name, DisplayName: p.DisplayName})
}
