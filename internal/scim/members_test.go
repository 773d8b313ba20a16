package scim

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/filter"
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

// crowd is a store of n people who are in 2,000 groups each.
type crowd struct {
	Store
	n     int
	asked *int
}

func (x crowd) Users(context.Context, directory.TenantID, []filter.Bound, []filter.Order, []any, int) ([]directory.User, []any, error) {
	return make([]directory.User, x.n), nil, nil
}

func (x crowd) Linked(context.Context, directory.TenantID, string, string, directory.ObjectKind, []filter.Bound, string, int) ([]directory.Ref, bool, error) {
	*x.asked++
	return make([]directory.Ref, 2000), false, nil
}

func TestAPageOfPeopleHasNoMoreGroupsThanFitInAnAnswer(t *testing.T) {
	groups := 500
	for n, want := range map[int]error{5: nil, 6: ErrMany, 500: ErrMany} {
		asked := 0
		a := &API{Store: crowd{n: n, asked: &asked}, Now: time.Now}
		c := &call{r: httptest.NewRequestWithContext(t.Context(), "GET", "/Users?attributes=groups", nil), w: httptest.NewRecorder()}
		c.by.Caller = directory.Caller{App: "app", ServicePrincipal: "robot", Permissions: []string{"User.Read.All"}}
		err := a.findUsers(c, parameters{count: &groups, attributes: []string{"groups"}})
		if !errors.Is(err, want) || want == nil && err != nil || asked > 6 {
			t.Errorf("%d people in 2,000 groups each: %v, after reading those of %d", n, err, asked)
		}
	}
}
