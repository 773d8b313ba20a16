//go:build !linux

package tpm

import (
	"errors"

	"github.com/google/go-tpm/tpm2/transport"
)

var errPlatform = errors.New("a TPM is used on Linux only so far")

func openDevice(string) (transport.TPMCloser, error) { return nil, errPlatform }

func openSocket(string) (transport.TPMCloser, error) { return nil, errPlatform }
