package signin

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postern-id/postern/internal/access"
)

// yields draws what a method shows.
func yields(t *rapid.T) Yield {
	return Yield{
		Factors:           rapid.SampledFrom([]Factors{Knowledge, Possession, Inherence, Knowledge | Possession, Possession | Inherence}).Draw(t, "factors"),
		PhishingResistant: rapid.Bool().Draw(t, "phishing-resistant"),
	}
}

// modesOf are the ways that the methods of these tests are.
var modesOf = map[MethodID]access.Modes{
	"a": access.Password, "b": access.SoftwareOath, "c": access.FIDO2, "d": access.DeviceBasedPush, "e": access.PassOneTime, "f": access.AuthenticatorPush,
}

// models are AAGUIDs of passkeys.
var models = []string{"model-1", "model-2"}

// drawOffers draws methods, each once.
func drawOffers(t *rapid.T) []Offer {
	ids := rapid.SliceOfDistinct(rapid.SampledFrom([]MethodID{"a", "b", "c", "d", "e", "f"}), func(id MethodID) MethodID { return id }).Draw(t, "methods")
	var all []Offer
	for _, id := range ids {
		y := yields(t)
		if y.Modes = modesOf[id]; id == "c" {
			y.Keys = []string{rapid.SampledFrom(models).Draw(t, "model")}
		}
		all = append(all, Offer{Method: id, Yield: y, First: rapid.Bool().Draw(t, "first"), Later: rapid.Bool().Draw(t, "later")})
	}
	return all
}

func drawRequirement(t *rapid.T) Requirement {
	r := Requirement{SingleFactor: rapid.Bool().Draw(t, "one factor"), PhishingResistant: rapid.Bool().Draw(t, "wants phr")}
	if rapid.Bool().Draw(t, "aged") {
		r.Since = nine
	}
	if rapid.Bool().Draw(t, "second aged") {
		r.SecondSince = nine.Add(30 * time.Minute)
	}
	for range rapid.IntRange(0, 2).Draw(t, "strengths") {
		s := access.Strength{Combinations: rapid.SliceOfN(rapid.SampledFrom([]access.Modes{
			access.FIDO2, access.Password | access.SoftwareOath, access.Password | access.AuthenticatorPush, access.DeviceBasedPush, access.PassOneTime, access.WindowsHello,
		}), 1, 3).Draw(t, "combinations")}
		if rapid.Bool().Draw(t, "some models") {
			s.AAGUIDs = models[:1]
		}
		r.Strengths = append(r.Strengths, s)
	}
	return r
}

func drawProofs(t *rapid.T, label string, offers []Offer) []Proof {
	var all []Proof
	for _, o := range offers {
		if rapid.IntRange(0, 3).Draw(t, label) == 0 {
			at := nine.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "age")) * time.Hour)
			all = append(all, Proof{Method: o.Method, Factors: o.Yield.Factors, PhishingResistant: o.Yield.PhishingResistant, At: at, Combination: o.Yield.Modes.String(), AAGUID: strings.Join(o.Yield.Keys, "")})
		}
	}
	return all
}

// TestASignInAlwaysEnds lets a person answer all that they are asked, whatever methods they
// have, what a session showed before, and what is required.
func TestASignInAlwaysEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offers := Sorted(drawOffers(t), rapid.SampledFrom([]MethodID{"", "a", "c"}).Draw(t, "last"), rapid.Bool().Draw(t, "strongest"))
		tr := Transaction{Username: "sam@contoso.example", Require: drawRequirement(t)}
		if rapid.Bool().Draw(t, "raises") {
			tr.Raises, tr.Earlier = "session", drawProofs(t, "earlier", offers)
		}
		tr.Proofs = drawProofs(t, "proofs", offers)
		asked := map[MethodID]bool{}
		for range 2*len(offers) + 3 {
			switch step := Next(tr, Facts{Offers: offers}); step {
			case StepStay:
				no := false
				tr.Stay = &no
			case StepDone:
				if !tr.Require.Met(tr.all()) {
					t.Fatalf("done with %v of %v", tr.all(), tr.Require)
				}
				return
			case StepBlocked, StepMethods:
				if step == StepMethods && len(tr.Proofs) > 0 {
					t.Fatal("an empty list where a name for it is due")
				}
				wantHopeless(t, tr, offers)
				return
			default:
				i := slices.IndexFunc(offers, func(o Offer) bool { return Step(o.Method) == step })
				if i < 0 || asked[offers[i].Method] {
					t.Fatalf("asked for %s, which is not offered or was asked for before", step)
				}
				asked[offers[i].Method] = true
				wantHopeful(t, tr, offers, i)
				o := offers[i]
				tr.Proofs = append(slices.Clone(tr.Proofs), Proof{Method: o.Method, Factors: o.Yield.Factors, PhishingResistant: o.Yield.PhishingResistant, At: nine.Add(2 * time.Hour), Combination: o.Yield.Modes.String(), AAGUID: strings.Join(o.Yield.Keys, "")})
			}
		}
		t.Fatal("it never ends")
	})
}

// wantHopeless expects that no set of the methods that are left meets what is required: an
// independent and slow look at all of them.
func wantHopeless(t *rapid.T, tr Transaction, offers []Offer) {
	have := tr.Require.shown(tr.all())
	for set := range 1 << len(offers) {
		y := have
		for i, o := range offers {
			if set&(1<<i) != 0 && !tr.usedMethod(o.Method) {
				y = y.add(o.Yield)
			}
		}
		if tr.Require.metBy(y) {
			t.Fatalf("it ends although %b of %v would do", set, offers)
		}
	}
}

// wantHopeful expects that the offer i can be what is missing.
func wantHopeful(t *rapid.T, tr Transaction, offers []Offer, i int) {
	have := tr.Require.shown(tr.all())
	for set := range 1 << len(offers) {
		if set&(1<<i) != 0 {
			continue
		}
		y := have
		for j, o := range offers {
			if set&(1<<j) != 0 && !tr.usedMethod(o.Method) {
				y = y.add(o.Yield)
			}
		}
		if !tr.Require.metBy(y) && tr.Require.metBy(y.add(offers[i].Yield)) {
			return
		}
	}
	t.Fatalf("%v can never be what is missing among %v", offers[i], offers)
}

// TestWhatIsChosenIsAskedForIfItHelps lets people choose from the list of other ways.
func TestWhatIsChosenIsAskedForIfItHelps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offers := drawOffers(t)
		tr := Transaction{Username: "sam@contoso.example", Require: drawRequirement(t), Proofs: drawProofs(t, "proofs", offers)}
		tr.Chosen = rapid.SampledFrom([]MethodID{"a", "b", "c", "x"}).Draw(t, "chosen")
		useful := Useful(tr, offers)
		step := Next(tr, Facts{Offers: offers})
		if !tr.Proved() && among(useful, tr.Chosen) && step != Step(tr.Chosen) {
			t.Fatalf("chose %s and is asked for %s", tr.Chosen, step)
		}
		for _, o := range useful {
			if tr.usedMethod(o.Method) || tr.Proved() {
				t.Fatalf("%s is of no use", o.Method)
			}
		}
		tr.OtherWays = true
		if got := Next(tr, Facts{Offers: offers}); len(useful) > 0 && got != StepMethods {
			t.Fatalf("asked for the list and got %s", got)
		}
	})
}

func TestTheOrderOfOffers(t *testing.T) {
	offer := func(id MethodID, f Factors, phr bool) Offer {
		return Offer{Method: id, Yield: Yield{Factors: f, PhishingResistant: phr}}
	}
	pass := offer("pass", Knowledge|Possession, false)
	key := offer("key", Possession|Inherence, true)
	phone := offer("phone", Possession|Inherence, false)
	code, password := offer("code", Possession, false), offer("password", Knowledge, false)
	first, later := pass, pass
	first.First, later.Later = true, true
	for _, c := range []struct {
		name      string
		offers    []Offer
		last      MethodID
		strongest bool
		want      []MethodID
	}{
		{"a pass that works, then by strength", []Offer{password, code, phone, key, first}, "", false, []MethodID{"pass", "key", "phone", "code", "password"}},
		{"what was used last comes before what is stronger", []Offer{first, key, phone, password}, "password", false, []MethodID{"pass", "password", "key", "phone"}},
		{"where policy prefers the strongest it does not", []Offer{first, key, phone, password}, "password", true, []MethodID{"pass", "key", "phone", "password"}},
		{"what was used last is gone", []Offer{phone, key}, "code", false, []MethodID{"key", "phone"}},
		{"a pass that works later is last", []Offer{later, password, key}, "", false, []MethodID{"key", "password", "pass"}},
		{"equal ones stay as they are", []Offer{phone, offer("other", Possession|Inherence, false)}, "", false, []MethodID{"phone", "other"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []MethodID
			for _, o := range Sorted(c.offers, c.last, c.strongest) {
				got = append(got, o.Method)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSessionsSayWhatTheirProofsShow(t *testing.T) {
	at := func(minutes int) time.Time { return nine.Add(time.Duration(minutes) * time.Minute) }
	password := Proof{Method: "password", Factors: Knowledge, AMR: []string{"pwd"}, At: at(0), FreshUntil: at(10)}
	code := Proof{Method: "otc", Factors: Possession, AMR: []string{"otp"}, At: at(5), FreshUntil: at(15)}
	late := code
	late.At, late.FreshUntil = at(60), at(70)
	key := Proof{Method: "passkey", Factors: Possession | Inherence, PhishingResistant: true, AMR: []string{"fido", "mfa"}, At: at(30), FreshUntil: at(40)}
	old := Proof{Method: "accesspass", AMR: []string{"otp", "mfa"}, At: at(0), Pass: &PassUsed{ID: "pass", End: at(90)}}
	for _, c := range []struct {
		name     string
		proofs   []Proof
		amr      []string // at minute 6
		authTime time.Time
		fresh    time.Time
	}{
		{"one factor", []Proof{password}, []string{"pwd"}, at(0), time.Time{}},
		{"two factors are mfa, and fresh while both are", []Proof{password, code}, []string{"pwd", "otp", "mfa", "ngcmfa"}, at(0), at(10)},
		{"two factors an hour apart were never fresh together", []Proof{password, late}, []string{"pwd", "otp", "mfa"}, at(0), time.Time{}},
		{"a code after a key leaves the time of the key", []Proof{key, late}, []string{"fido", "mfa", "otp", "ngcmfa"}, at(30), at(40)},
		{"a key after a password has its own time", []Proof{password, key}, []string{"pwd", "fido", "mfa", "ngcmfa"}, at(30), at(40)},
		{"what the first release kept of a pass", []Proof{old}, []string{"otp", "mfa"}, at(0), time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Session{Proofs: c.proofs}
			if got := s.AMR(at(6)); !slices.Equal(got, c.amr) {
				t.Errorf("amr is %v, want %v", got, c.amr)
			}
			if got := s.AuthTime(); !got.Equal(c.authTime) {
				t.Errorf("auth_time is %s, want %s", got, c.authTime)
			}
			if got := s.FreshUntil(); !got.Equal(c.fresh) {
				t.Errorf("fresh until %s, want %s", got, c.fresh)
			}
		})
	}
}

func TestWhatARaisedSessionKeeps(t *testing.T) {
	at := func(minutes int) time.Time { return nine.Add(time.Duration(minutes) * time.Minute) }
	pass := Proof{Method: "accesspass", Factors: Knowledge | Possession, At: nine, Purpose: "register", Pass: &PassUsed{ID: "old", End: at(60)}}
	second := Proof{Method: "accesspass", Factors: Knowledge | Possession, At: at(30), Pass: &PassUsed{ID: "new", End: at(45)}}
	key := Proof{Method: "passkey", Factors: Possession | Inherence, PhishingResistant: true, At: nine}
	code := Proof{Method: "otc", Factors: Possession, At: at(30)}
	fresh := key
	fresh.At = at(30)
	day := nine.Add(SessionLifetime)
	for _, c := range []struct {
		name     string
		old, now []Proof
		methods  []MethodID
		pass     string
		purpose  Purpose
		ends     time.Time
	}{
		{"a full proof replaces the pass with its purpose and its end", []Proof{pass}, []Proof{fresh}, []MethodID{"passkey"}, "", "", at(30).Add(SessionLifetime)},
		{"one factor more leaves the limits of the pass", []Proof{pass}, []Proof{code}, []MethodID{"accesspass", "otc"}, "old", "register", at(60)},
		{"a pass limits what it raises", []Proof{key}, []Proof{second}, []MethodID{"passkey", "accesspass"}, "new", "", at(45)},
		{"another pass takes the place of the first", []Proof{pass}, []Proof{second}, []MethodID{"accesspass"}, "new", "", at(45)},
		{"one factor more does not make it longer", []Proof{key}, []Proof{code}, []MethodID{"passkey", "otc"}, "", "", day},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := Session{ID: "session", CreatedAt: nine, ExpiresAt: day, Proofs: c.old}.limit()
			got := old.raise(Transaction{Proofs: c.now}, Place{}, at(30))
			var methods []MethodID
			for _, p := range got.Proofs {
				methods = append(methods, p.Method)
			}
			if !slices.Equal(methods, c.methods) || got.PassID != c.pass || got.Purpose != c.purpose || !got.ExpiresAt.Equal(c.ends) || got.ID != old.ID || !got.CreatedAt.Equal(nine) {
				t.Errorf("got %v, pass %q, purpose %q, until %s", methods, got.PassID, got.Purpose, got.ExpiresAt)
			}
		})
	}
}

func TestWhatCountsOfASession(t *testing.T) {
	full := Proof{Method: "passkey", Factors: Possession | Inherence, PhishingResistant: true, At: nine}
	s := Session{Proofs: []Proof{full}}
	for _, c := range []struct {
		name string
		r    Requirement
		s    Session
		want bool
	}{
		{"no demand", Requirement{}, s, true},
		{"young enough", Requirement{Since: nine.Add(-time.Second)}, s, true},
		{"from the very moment is old", Requirement{Since: nine}, s, false},
		{"phishing-resistant", Requirement{PhishingResistant: true}, s, true},
		{"one with a purpose", Requirement{}, Session{Proofs: s.Proofs, Purpose: "register"}, false},
		{"one without proofs", Requirement{SingleFactor: true}, Session{}, false},
	} {
		if got := c.r.MetBySession(c.s); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestPolicyOfSurfaces(t *testing.T) {
	p := DefaultPolicy()
	p.Surfaces[SurfaceLockScreen], p.Surfaces[SurfaceConsole] = []MethodID{"passkey"}, []MethodID{}
	for _, c := range []struct {
		at        Surface
		id        MethodID
		ok, glass bool
	}{
		{SurfaceBrowser, "password", true, false},
		{SurfaceBrowser, "accesspass", true, false},
		{SurfaceLockScreen, "passkey", true, false},
		{SurfaceLockScreen, "password", false, false},
		{SurfaceLockScreen, "accesspass", true, true},
		{SurfaceConsole, "accesspass", true, true},
		{SurfaceConsole, "passkey", false, false},
	} {
		if ok, glass := p.Allows(c.at, c.id); ok != c.ok || glass != c.glass {
			t.Errorf("%s at %s: %t, %t", c.id, c.at, ok, glass)
		}
	}
	s := p.usable(Session{Proofs: []Proof{{Method: "password"}, {Method: "passkey"}}}, SurfaceLockScreen)
	if len(s.Proofs) != 1 || s.Proofs[0].Method != "passkey" {
		t.Errorf("of a session counts %v", s.Proofs)
	}
	if with, changed := p.With("accesspass"); changed || len(with.BreakGlass) != len(p.BreakGlass) {
		t.Errorf("a pass that breaks the glass already: %v", with)
	}
}

func TestEveryRestrictedSurfaceHasAWayIn(t *testing.T) {
	shows := func(at Surface, id MethodID) Yield {
		switch {
		case id == "passkey" && at != SurfaceTextConsole, id == "accesspass":
			return Yield{Factors: Knowledge | Possession}
		case id == "otc":
			return Yield{Factors: Possession}
		case id == "password":
			return Yield{Factors: Knowledge}
		}
		return Yield{} // off, or not there
	}
	for name, c := range map[string]struct {
		p  Policy
		ok bool
	}{
		"nothing is restricted":               {Policy{}, true},
		"one that is enough":                  {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"passkey"}}}, true},
		"two that are enough together":        {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"otc", "password"}}}, true},
		"half of it":                          {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"otc"}}}, false},
		"half of it, and a pass that breaks":  {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"otc"}}, BreakGlass: []MethodID{"accesspass"}}, true},
		"nothing":                             {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {}}}, false},
		"one that is off":                     {Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"authenticator"}}}, false},
		"one that can't be used there":        {Policy{Surfaces: map[Surface][]MethodID{SurfaceTextConsole: {"passkey"}}}, false},
		"a surface that is not there":         {Policy{Surfaces: map[Surface][]MethodID{"moon": {"passkey"}}}, false},
		"a surface beside one with no way in": {Policy{Surfaces: map[Surface][]MethodID{SurfaceConsole: {"passkey"}, SurfaceBrowser: {"otc"}}}, false},
	} {
		if err := c.p.Check(shows); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := Policy{Surfaces: map[Surface][]MethodID{SurfaceBrowser: {"passkey"}}}
	with, changed := p.With("accesspass")
	if ok, glass := with.Allows(SurfaceBrowser, "accesspass"); !changed || !ok || !glass || len(p.BreakGlass) != 0 {
		t.Errorf("with a pass: %v", with)
	}
}

func TestWhatAnOfferNeedsBesides(t *testing.T) {
	key := Offer{Method: "key", Yield: Yield{Factors: Possession | Inherence, PhishingResistant: true}}
	code, password := Offer{Method: "code", Yield: Yield{Factors: Possession}}, Offer{Method: "password", Yield: Yield{Factors: Knowledge}}
	offers := []Offer{key, code, password}
	names := func(all []Offer) (ids []MethodID) {
		for _, o := range all {
			ids = append(ids, o.Method)
		}
		return ids
	}
	var tr Transaction
	for o, want := range map[MethodID][]MethodID{"key": nil, "code": {"password"}, "password": {"code"}} {
		i := slices.IndexFunc(offers, func(one Offer) bool { return one.Method == o })
		if got := names(Partners(tr, offers[i], offers)); !slices.Equal(got, want) {
			t.Errorf("%s needs %v, want %v", o, got, want)
		}
	}
	tr.Proofs = []Proof{{Method: "password", Factors: Knowledge}}
	if got := Partners(tr, code, offers); got != nil {
		t.Errorf("after a password a code needs %v", got)
	}
}
