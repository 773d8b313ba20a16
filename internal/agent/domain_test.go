//go:build linux

package agent_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/internal/agent"
	"github.com/postern-id/postern/internal/devicepolicy"
)

func TestANameWithoutADomainStandsInTheOneThatPolicyPrefersElseInTheDefaultOne(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "policy.yaml")
	a := w.joined(func(o *agent.Options) { o.LocalPolicy = file })
	d := w.device(a)
	check := func(typed, want string) {
		t.Helper()
		if got := d.FullName(typed); got != want {
			t.Errorf("%s is %s, want %s", typed, got, want)
		}
	}
	if tenant := d.Identity().Tenant; tenant.DefaultDomain != "contoso.example" {
		t.Errorf("the server says of its domains: %+v", tenant)
	}
	check("admin", admin)
	check("admin@elsewhere.example", "admin@elsewhere.example")
	if err := os.WriteFile(file, []byte(devicepolicy.PreferredTenantDomain+": sub.contoso.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.ReadLocal()
	check("admin", "admin@sub.contoso.example")
}

func TestWhatTheTenantIsCalledFollowsTheServer(t *testing.T) {
	w := newWorld(t)
	a := w.joined()
	w.graph("PATCH", "/v1.0/organization/"+w.created.TenantID, `{"displayName":"Fabrikam"}`, 204, nil)
	if err := a.Contact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.Status().Tenant; got != "Fabrikam" {
		t.Errorf("it is called %q here", got)
	}
}
