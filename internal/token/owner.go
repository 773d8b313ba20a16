package token

import "github.com/postern-id/postern/internal/directory"

// Owner is for whom an access token speaks: a user, or an application alone.
type Owner struct {
	User      directory.User
	Principal directory.ServicePrincipal
	// Permissions are those of the token that are still granted.
	Permissions []string
}
