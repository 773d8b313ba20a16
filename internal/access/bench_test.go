package access_test

import (
	"fmt"
	"testing"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/directory"
)

// many are n policies of a large tenant, none of which is for Ann in her mail at the office,
// each for another reason.
func many(n int) []access.Policy {
	var out []access.Policy
	for i := range n {
		p := everyone(func(p *access.Policy) {
			p.ID, p.DisplayName = fmt.Sprintf("%05d", i), fmt.Sprintf("CA%03d", i)
			other := fmt.Sprintf("99999999-0000-4000-8000-%012d", i)
			switch i % 8 {
			case 0:
				p.Conditions.Users = access.Users{IncludeGroups: []string{other}}
			case 1:
				p.Conditions.Users.ExcludeGroups = []string{helpdesk, other}
			case 2:
				p.Conditions.Applications = access.Applications{Include: []string{other}}
			case 3:
				p.Conditions.Platforms = &access.Platforms{Include: []string{"windows"}}
			case 4:
				p.Conditions.Locations = &access.Targets{Include: []string{access.All}, Exclude: []string{access.AllTrusted}}
			case 5:
				p.Conditions.SignInRisk = []access.Risk{access.RiskHigh}
			case 6:
				p.Conditions.Devices = &access.Devices{Filter: &access.DeviceFilter{Mode: "include", Rule: fmt.Sprintf(`device.displayName -startsWith "LAP-%d" -or (device.model -eq "T%d" -and device.isCompliant -eq True)`, i%20, i%20)}}
			case 7:
				p.State = access.ReportOnly
				p.Conditions.ClientAppTypes = []string{access.NativeClient}
			}
		})
		out = append(out, p)
	}
	return out
}

// large is Ann in many groups.
func large() access.Request {
	r := usual()
	for i := range 100 {
		r.Subject.Groups = append(r.Subject.Groups, directory.GroupID(fmt.Sprintf("88888888-0000-4000-8000-%012d", i)))
	}
	r.Proofs = []access.Proof{proof(access.FIDO2)}
	return r
}

func TestAPolicyThatDoesNotApplyAllocatesNothing(t *testing.T) {
	r := large()
	for _, n := range []int{1, 8, 500} {
		s := set(t, many(n)...)
		if d := s.Evaluate(r); !d.Met || len(d.Applied) > 0 {
			t.Fatalf("of %d policies some apply: %+v", n, d.Applied)
		}
		if got := testing.AllocsPerRun(100, func() { s.Evaluate(r) }); got != 0 {
			t.Errorf("%d policies that don't apply: %.0f allocations", n, got)
		}
	}
}

func TestADeviceIsReadOnceForAllFilters(t *testing.T) {
	r := large()
	r.Device = &access.Device{Device: directory.Device{DisplayName: "Laptop-0451", OperatingSystem: "Linux", AccountEnabled: true}}
	few, lot := set(t, many(8)...), set(t, many(500)...)
	want := testing.AllocsPerRun(100, func() { few.Evaluate(r) })
	if got := testing.AllocsPerRun(100, func() { lot.Evaluate(r) }); got != want || len(lot.Evaluate(r).Applied) > 0 {
		t.Errorf("one filter: %.0f allocations, many: %.0f", want, got)
	}
}

func TestAllocationsFollowThePoliciesThatApply(t *testing.T) {
	r := large()
	mfa := everyone(func(p *access.Policy) { p.ID, p.Grant.Controls = "mfa", []access.Control{access.MFA} })
	alone, beside := set(t, mfa), set(t, append(many(500), mfa)...)
	want := testing.AllocsPerRun(100, func() { alone.Evaluate(r) })
	if got := testing.AllocsPerRun(100, func() { beside.Evaluate(r) }); got != want {
		t.Errorf("one policy that applies: %.0f allocations alone, %.0f beside 500 others", want, got)
	}
}

// BenchmarkEvaluate is of 500 policies: five of them apply, or all.
func BenchmarkEvaluate(b *testing.B) {
	asking := func(n int) []access.Policy {
		var out []access.Policy
		for i := range n {
			out = append(out, everyone(func(p *access.Policy) { p.ID, p.Grant.Controls = fmt.Sprintf("z%d", i), []access.Control{access.MFA} }))
		}
		return out
	}
	for name, policies := range map[string][]access.Policy{"500/5 apply": append(many(495), asking(5)...), "500/all apply": asking(500)} {
		b.Run(name, func(b *testing.B) {
			s, r := set(b, policies...), large()
			b.ReportAllocs()
			for b.Loop() {
				if !s.Evaluate(r).Met {
					b.Fatal("not met")
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	policies := many(500)
	for b.Loop() {
		set(b, policies...)
	}
}
