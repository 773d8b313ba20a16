package scim

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/postern-id/postern/internal/directory"
)

var errAway = errors.New("the database is away")

// away is a store that nobody reaches.
type away struct{ Store }

func (away) Find(context.Context, directory.TenantID, string) (directory.Ref, error) {
	return directory.Ref{}, errAway
}

func TestAnOutageIsNoMemberThatIsMissing(t *testing.T) {
	a := &API{Store: away{}}
	c := &call{r: httptest.NewRequestWithContext(t.Context(), "PATCH", "/Groups/x", nil)}
	if _, err := a.refs(c, []string{"00000000-0000-4000-8000-000000000000"}); !errors.Is(err, errAway) {
		t.Errorf("it says %v", err)
	}
}
