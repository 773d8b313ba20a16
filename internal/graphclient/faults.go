package graphclient

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/postern-id/postern/internal/fault"
)

// ErrUnreachable says that no answer came: no network, no server, no time left.
var ErrUnreachable = &fault.Error{
	Kind: fault.Unavailable, Code: "serverUnreachable",
	Text: "The server can't be reached.", Remedy: "Check the address, the network, and that the server runs.",
}

// ErrCertificate says that the server's certificate is not to be trusted.
var ErrCertificate = &fault.Error{
	Kind: fault.Unavailable, Code: "serverUntrusted",
	Text:   "The server's certificate is not trusted.",
	Remedy: "A network with a sign-in page of its own answers so, too: sign in there, or use another one. Else trust the server's CA with --ca FILE or POSTERN_CA; a server that made its own has it in its data folder, as tls/ca.pem.",
}

// ErrClock says that this machine's clock and the server's are apart.
var ErrClock = &fault.Error{
	Kind: fault.Unauthorized, Code: "clockApart",
	Text: "The clock of this machine and that of the server are apart.", Remedy: "Set the clock right, and try again.",
}

// ErrAnswer says that an answer is not what Graph sends.
var ErrAnswer = &fault.Error{
	Kind: fault.Unavailable, Code: "answerUnexpected",
	Text: "The answer is not Graph's.", Remedy: "Check that the address is that of the server.",
}

// ErrMethodType says that methods of a type can't be removed.
var ErrMethodType = &fault.Error{
	Kind: fault.Unsupported, Code: "methodTypeUnknown",
	Text: "Methods of this type can't be removed.", Remedy: "Use a newer postern, or switch the method off by policy.",
}

// ErrAddress says that an address is not one to send a token to.
var ErrAddress = &fault.Error{
	Kind: fault.Invalid, Code: "addressInvalid",
	Text: "The address of a server must start with https:// and have no query.", Remedy: "Write it as https://id.contoso.example.",
}

// ErrPath says that a name can't be part of an address: it is empty or made of dots.
var ErrPath = &fault.Error{Kind: fault.Invalid, Code: "nameInvalid", Text: "This can't name anything."}

// ErrNotSignedIn says that the server gave no token for the credentials.
var ErrNotSignedIn = &fault.Error{
	Kind: fault.Unauthorized, Code: "notSignedIn",
	Text: "You are not signed in.", Remedy: "Run: postern login",
}

// unreachable says why no answer came. It leaves the path and query out, which may name people.
func unreachable(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return r.Context().Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	host := r.URL.Scheme + "://" + r.URL.Host
	said := ErrUnreachable.With("", fmt.Sprintf("%s can't be reached: %s.", host, cause(err)))
	if text := untrusted(err); text != "" {
		said = ErrCertificate.With("", fmt.Sprintf("The certificate of %s is not trusted: %s.", host, text))
	}
	if another(err) {
		return interposed{said}
	}
	return said
}

// interposed marks an answer that is not the server's.
type interposed struct{ error }

// Unwrap makes it the fault that it is about.
func (i interposed) Unwrap() error { return i.error }

// Interposed reports whether somebody else answered in the server's place, as a network does
// that wants a sign-in of its own first (RFC 8952).
func Interposed(err error) bool {
	_, ok := errors.AsType[interposed](err)
	return ok
}

// another reports whether it was somebody else who answered: by a certificate that the server
// would not have, or without one. One that has expired may well be the server's.
func another(err error) bool {
	_, issuer := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return issuer || name || errors.Is(err, http.ErrSchemeMismatch)
}

// untrusted says what is wrong with a certificate, or nothing.
func untrusted(err error) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if unknown.Cert != nil {
			return "its issuer " + unknown.Cert.Issuer.CommonName + " is unknown"
		}
		return "its issuer is unknown"
	}
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return "it is for another name than " + name.Host
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "it has expired or is not valid yet, or the clock of this machine is wrong"
		}
		return strings.TrimPrefix(invalid.Error(), "x509: ")
	}
	return ""
}

func cause(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + dns.Name + " has no address"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS, like a network with a sign-in page of its own"
	}
	if wait, ok := errors.AsType[net.Error](err); ok && wait.Timeout() {
		return "it did not answer in time"
	}
	return err.Error()
}

// tolerance is how far clocks may be apart before that is the likely cause of a refusal; the
// server takes proofs that are a minute ahead.
const tolerance = time.Minute

// apart turns a refused token or proof into ErrClock where the date of the answer is far from
// now: the clock is then the likely cause.
func apart(res *http.Response, now time.Time, refused *Error) error {
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil || refused.Status != http.StatusUnauthorized && refused.Code != "invalid_dpop_proof" {
		return refused
	}
	d := now.Sub(at).Round(time.Second)
	switch {
	case d > tolerance:
		return ErrClock.With("", fmt.Sprintf("The clock of this machine is %s ahead of the server's. The server said: %s", d, refused))
	case d < -tolerance:
		return ErrClock.With("", fmt.Sprintf("The clock of this machine is %s behind the server's. The server said: %s", -d, refused))
	}
	return refused
}
