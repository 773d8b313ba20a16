// Package federationtest tests what federation.Store promises.
package federationtest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/federation"
)

// A Fixture is an empty store with what the suite needs beside the contract.
type Fixture interface {
	federation.Store
	// Place makes a tenant that has the domain.
	Place(t testing.TB, domain string) directory.TenantID
	// Events returns how many events the tenant has.
	Events(t testing.TB, tenant directory.TenantID) int
	// RemoveDomain removes a domain of the tenant.
	RemoveDomain(t testing.TB, tenant directory.TenantID, domain string)
}

const domain = "fabrikam.example"

var nine = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

type bench struct {
	Fixture
	tenant, other directory.TenantID
	domain        string
}

// Store runs the suite on the stores that open returns; each is empty and closed by its test.
func Store(t *testing.T, open func(testing.TB) Fixture) {
	for name, test := range map[string]func(*testing.T, *bench){
		"what is saved is read again":                   saves,
		"of concurrent changes one wins":                changesOnce,
		"a domain has one federation, and is one's own": holdsDomains,
		"a subject is one person, and the reverse":      links,
		"of concurrent links of a subject one wins":     linksOnce,
		"links go with what they rest on":               unlinks,
		"another tenant sees nothing":                   keepsTenantsApart,
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			test(t, &bench{f, f.Place(t, domain), f.Place(t, "other.example"), domain})
		})
	}
}

func (b *bench) configuration() federation.Configuration {
	c := federation.Usual(federation.OIDC)
	c.Tenant, c.Domain, c.ID, c.DisplayName, c.Issuer, c.ClientID = b.tenant, b.domain, uuid.NewString(), "Fabrikam", "https://id.fabrikam.example", "postern"
	c.Sealed, c.CreatedAt, c.ModifiedAt = "sealed", nine, nine
	return c
}

func (b *bench) event() audit.Event {
	return audit.Event{Tenant: string(b.tenant), ID: uuid.NewString(), At: nine, Change: &audit.Change{
		Activity: audit.SetFederation, Category: audit.CategoryDirectoryManagement, Service: audit.ServiceCoreDirectory, Operation: audit.OperationUpdate, Result: audit.Success,
	}}
}

// saved is a configuration that is there.
func (b *bench) saved(t *testing.T) federation.Configuration {
	t.Helper()
	if err := b.SaveFederation(t.Context(), b.configuration(), b.event()); err != nil {
		t.Fatal(err)
	}
	c, err := b.Federation(t.Context(), b.tenant, b.domain)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func saves(t *testing.T, b *bench) {
	if _, err := b.Federation(t.Context(), b.tenant, b.domain); !errors.Is(err, federation.ErrNone) {
		t.Errorf("of none: %v", err)
	}
	before := b.Events(t, b.tenant)
	c := b.saved(t)
	if c.DisplayName != "Fabrikam" || c.Sealed != "sealed" || !c.PassFirst || c.Version != 1 || !c.ModifiedAt.Equal(nine) || !c.CreatedAt.Equal(nine) || c.Claims.UserPrincipalName == "" {
		t.Errorf("read %+v", c)
	}
	c.DisplayName = "Fabrikam Inc."
	if err := b.SaveFederation(t.Context(), c, b.event()); err != nil {
		t.Error(err)
	}
	all, err := b.Federations(t.Context(), b.tenant)
	if err != nil || len(all) != 1 || all[0].DisplayName != "Fabrikam Inc." || all[0].Version != 2 {
		t.Errorf("all are %+v, %v", all, err)
	}
	if err := b.RemoveFederation(t.Context(), all[0], b.event()); err != nil {
		t.Error(err)
	}
	if err := b.RemoveFederation(t.Context(), all[0], b.event()); !errors.Is(err, federation.ErrNone) {
		t.Errorf("removed twice: %v", err)
	}
	if n := b.Events(t, b.tenant) - before; n != 3 {
		t.Errorf("%d events", n)
	}
}

func changesOnce(t *testing.T, b *bench) {
	c := b.saved(t)
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() { results <- b.SaveFederation(t.Context(), c, b.event()) })
	}
	all.Wait()
	wins(t, results, federation.ErrChanged)
}

// wins checks that one of results is nil and all others are lost.
func wins(t *testing.T, results chan error, lost error) {
	t.Helper()
	close(results)
	n := 0
	for err := range results {
		switch {
		case err == nil:
			n++
		case !errors.Is(err, lost):
			t.Errorf("lost with %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d won", n)
	}
}

func holdsDomains(t *testing.T, b *bench) {
	first := b.saved(t)
	before := b.Events(t, b.tenant)
	if err := b.SaveFederation(t.Context(), b.configuration(), b.event()); !errors.Is(err, federation.ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	stranger := b.configuration()
	stranger.Domain = "other.example"
	if err := b.SaveFederation(t.Context(), stranger, b.event()); !errors.Is(err, directory.ErrDomainUnknown) {
		t.Errorf("of another tenant's domain: %v", err)
	}
	gone := first
	gone.ID = uuid.NewString()
	if err := b.SaveFederation(t.Context(), gone, b.event()); !errors.Is(err, federation.ErrNone) {
		t.Errorf("under another id: %v", err)
	}
	if n := b.Events(t, b.tenant) - before; n != 0 {
		t.Errorf("%d events of what did not happen", n)
	}
	b.RemoveDomain(t, b.tenant, b.domain)
	if _, err := b.Federation(t.Context(), b.tenant, b.domain); !errors.Is(err, federation.ErrNone) {
		t.Errorf("after the domain: %v", err)
	}
}

func (b *bench) link(c federation.Configuration, subject string, user directory.UserID) federation.Link {
	return federation.Link{Tenant: b.tenant, Domain: b.domain, Federation: c.ID, Subject: subject, User: user, At: nine}
}

func links(t *testing.T, b *bench) {
	c := b.saved(t)
	mira, bea := directory.UserID(uuid.NewString()), directory.UserID(uuid.NewString())
	before := b.Events(t, b.tenant)
	for _, test := range []struct {
		name string
		link federation.Link
		want error
	}{
		{"the first", b.link(c, "m", mira), nil},
		{"again", b.link(c, "m", mira), nil},
		{"the same subject as somebody else", b.link(c, "m", bea), federation.ErrLinked},
		{"another subject as the same person", b.link(c, "x", mira), federation.ErrLinked},
		{"another person", b.link(c, "b", bea), nil},
		{"under a federation that is over", b.link(b.configuration(), "z", directory.UserID(uuid.NewString())), federation.ErrNone},
	} {
		if err := b.Link(t.Context(), test.link, b.event()); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	if n := b.Events(t, b.tenant) - before; n != 2 {
		t.Errorf("%d events", n)
	}
	if id, err := b.LinkedUser(t.Context(), b.tenant, b.domain, "m"); err != nil || id != mira {
		t.Errorf("m is %s, %v", id, err)
	}
	if _, err := b.LinkedUser(t.Context(), b.tenant, b.domain, "M"); !errors.Is(err, federation.ErrUnlinked) {
		t.Errorf("a subject in other case: %v", err)
	}
	all, err := b.Links(t.Context(), b.tenant, mira)
	if err != nil || len(all) != 1 || all[0].Subject != "m" || all[0].Domain != b.domain || !all[0].At.Equal(nine) {
		t.Errorf("mira is %+v, %v", all, err)
	}
}

func linksOnce(t *testing.T, b *bench) {
	c := b.saved(t)
	results := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(results) {
		l, e := b.link(c, "m", directory.UserID(uuid.NewString())), b.event()
		all.Go(func() { results <- b.Link(t.Context(), l, e) })
	}
	all.Wait()
	wins(t, results, federation.ErrLinked)
}

func unlinks(t *testing.T, b *bench) {
	c := b.saved(t)
	mira := directory.UserID(uuid.NewString())
	linked := func() bool {
		t.Helper()
		_, err := b.LinkedUser(t.Context(), b.tenant, b.domain, "m")
		if err != nil && !errors.Is(err, federation.ErrUnlinked) {
			t.Fatal(err)
		}
		return err == nil
	}
	again := func() {
		t.Helper()
		if err := b.Link(t.Context(), b.link(c, "m", mira), b.event()); err != nil || !linked() {
			t.Fatal(err)
		}
	}
	again()
	if err := b.Unlink(t.Context(), b.tenant, mira, b.domain, b.event()); err != nil || linked() {
		t.Errorf("one link: %v", err)
	}
	if err := b.Unlink(t.Context(), b.tenant, mira, b.domain, b.event()); !errors.Is(err, federation.ErrUnlinked) {
		t.Errorf("twice: %v", err)
	}
	again()
	c.DisplayName = "Other"
	if err := b.SaveFederation(t.Context(), c, b.event()); err != nil || !linked() {
		t.Errorf("another name takes links away: %v", err)
	}
	c.Version, c.Issuer = 2, "https://elsewhere.example"
	if err := b.SaveFederation(t.Context(), c, b.event()); err != nil || linked() {
		t.Errorf("another issuer keeps them: %v", err)
	}
	again()
	if err := b.RemoveFederation(t.Context(), c, b.event()); err != nil || linked() {
		t.Errorf("the end of the federation: %v", err)
	}
}

func keepsTenantsApart(t *testing.T, b *bench) {
	c := b.saved(t)
	if err := b.Link(t.Context(), b.link(c, "m", "u"), b.event()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Federation(t.Context(), b.other, b.domain); !errors.Is(err, federation.ErrNone) {
		t.Errorf("its federation: %v", err)
	}
	if _, err := b.LinkedUser(t.Context(), b.other, b.domain, "m"); !errors.Is(err, federation.ErrUnlinked) {
		t.Errorf("its people: %v", err)
	}
	c.Tenant = b.other
	if err := b.RemoveFederation(t.Context(), c, b.event()); !errors.Is(err, federation.ErrNone) {
		t.Errorf("its end: %v", err)
	}
}
