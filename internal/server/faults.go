package server

import "github.com/postern-id/postern/internal/fault"

// Faults of starting, and of local commands.
var (
	ErrNotAdministrator = &fault.Error{
		Kind: fault.Forbidden, Code: "recoverNotAdministrator", Target: "upn",
		Text: "This person is not an enabled Global Administrator.", Remedy: "Name one who is.",
	}
	ErrListen = &fault.Error{
		Kind: fault.Unavailable, Code: "listenFailed", Target: "listen",
		Text: "The address can't be listened on.", Remedy: "Choose another one with --listen, or end the program that uses it.",
	}
	ErrInUse = &fault.Error{
		Kind: fault.Unavailable, Code: "dataInUse", Target: "data",
		Text: "Another server uses this data directory.", Remedy: "Stop it first, or choose another directory.",
	}
	ErrNotInitialised = &fault.Error{
		Kind: fault.Unavailable, Code: "notInitialised", Target: "data",
		Text: "There is no tenant here yet.", Remedy: "Run: postern init --data DIR --domain contoso.example",
	}
	ErrCertificate = &fault.Error{
		Kind: fault.Invalid, Code: "certificateUnusable", Target: "tls-cert",
		Text: "The certificate or its key can't be used.", Remedy: "Check that both files are PEM, belong together and can be read.",
	}
	ErrTPMRoots = &fault.Error{
		Kind: fault.Unavailable, Code: "tpmRootsInvalid",
		Text: "The certificates of those who certify TPMs can't be read.", Remedy: "Put them into tpm-roots.pem in the data directory, in PEM, or remove the file.",
	}
)

// ErrNotDev keeps `dev --reset` away from folders that it did not make.
var ErrNotDev = &fault.Error{
	Kind: fault.Conflict, Code: "notDevData", Target: "data",
	Text: "This folder was not made by `postern dev`, so it is not emptied.", Remedy: "Choose another one with --data.",
}

// ErrKeyPurpose says which keys can be rotated by hand.
var ErrKeyPurpose = &fault.Error{
	Kind: fault.Invalid, Code: "keyPurpose", Target: "key",
	Text: "This is no key that can be rotated.", Remedy: "Name RS256, ES256, passPepper, pinReset or saml.",
}

// ErrPushNetwork says that a network for push services is none.
var ErrPushNetwork = &fault.Error{
	Kind: fault.Invalid, Code: "pushNetworkInvalid", Target: "push-network",
	Text: "A network of push services is not well formed.", Remedy: "Write it like 10.0.0.0/8.",
}

// ErrLogoutNetwork says that a network for logout notices is none.
var ErrLogoutNetwork = &fault.Error{
	Kind: fault.Invalid, Code: "logoutNetworkInvalid", Target: "logout-network",
	Text: "A network of applications is not well formed.", Remedy: "Write it like 10.0.0.0/8.",
}

// ErrFederationNetwork says that a network for identity providers is none.
var ErrFederationNetwork = &fault.Error{
	Kind: fault.Invalid, Code: "federationNetworkInvalid", Target: "federation-network",
	Text: "A network of identity providers is not well formed.", Remedy: "Write it like 10.0.0.0/8.",
}

// ErrProxy says that a trusted proxy is not a network.
var ErrProxy = &fault.Error{
	Kind: fault.Invalid, Code: "proxyInvalid", Target: "trusted-proxy",
	Text: "A trusted proxy is a network.", Remedy: "Write it like 10.0.0.0/8.",
}

// ErrWitness says that a witness is not an address of one.
var ErrWitness = &fault.Error{
	Kind: fault.Invalid, Code: "witnessInvalid", Target: "witness",
	Text: "This is no witness.", Remedy: "Write file:/path, syslog:, syslog:tcp://host:601 or https://host/path.",
}
