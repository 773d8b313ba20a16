package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
)

// What is told of a call that failed, beside ErrForbidden.
var (
	errName    = errors.New("the name of the address was not found")
	errTimeout = errors.New("no answer came in time")
	errTrust   = errors.New("the certificate is not valid for the address")
	errConnect = errors.New("no connection was made")
	errFailed  = errors.New("the call failed")
)

// Told is what whoever named an address may know of why a call to it failed. The words are fixed: what
// names lead to, what certificates say and how connections end tells of the network inside. The
// operator's log has the [Cause].
func Told(err error) error {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var connection *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrForbidden):
		return ErrForbidden
	case errors.As(err, &name):
		return errName
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return errTimeout
	case errors.As(err, &certificate), errors.As(err, &authority):
		return errTrust
	case errors.As(err, &connection):
		return errConnect
	}
	return errFailed
}
