package access

import (
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// combinations are what a strength can be made of, the strongest first.
var combinations = []string{
	"fido2", "windowsHelloForBusiness", "x509CertificateMultiFactor", "deviceBasedPush", "temporaryAccessPassOneTime", "temporaryAccessPassMultiUse",
	"password,microsoftAuthenticatorPush", "password,softwareOath", "federatedMultiFactor",
	"microsoftAuthenticatorPush,federatedSingleFactor", "softwareOath,federatedSingleFactor", "password",
}

// A strength is one as the form has it.
type strength struct {
	ID, Name, About, Tag string
	BuiltIn              bool
	Two                  bool // factors, each time
	Combinations         []string
	Models               []string // AAGUIDs
	Part                 string   // id of the configuration that has the models
}

func strengthOf(o graphclient.Object) strength {
	s := strength{
		ID: o.Text("id"), Name: o.Text("displayName"), About: o.Text("description"), Tag: o.Text("@odata.etag"),
		BuiltIn: o.Text("policyType") == "builtIn", Two: o.Text("requirementsSatisfied") == "mfa",
	}
	for _, text := range texts(o["allowedCombinations"]) {
		s.Combinations = append(s.Combinations, ordered(text))
	}
	for _, part := range o.Objects("combinationConfigurations") {
		s.Part, s.Models = part.Text("id"), texts(part["allowedAAGUIDs"])
	}
	return s
}

// ordered is a combination as combinations spells it: Graph's order is no fixed one.
func ordered(text string) string {
	sorted := func(s string) []string { parts := strings.Split(s, ","); slices.Sort(parts); return parts }
	for _, one := range combinations {
		if slices.Equal(sorted(one), sorted(text)) {
			return one
		}
	}
	return text
}

// Key is the key of the words for a combination.
func key(combination string) string { return "access_way_" + strings.ReplaceAll(combination, ",", "_") }

type strengthsPage struct { // strengths.html
	console.Frame
	Strengths []strength
	Write     bool
	Rules     bool // may see policies and places
}

// File implements console.Page.
func (strengthsPage) File() string { return "strengths.html" }

// Words tells a combination; one that has none is shown as it is.
func (strengthsPage) Words(combination string) string { return key(combination) }

func listStrengths(c *console.Call) error {
	p := strengthsPage{Frame: c.Frame("access"), Write: c.May("writeStrengths"), Rules: c.May("readAccessRules")}
	for o, err := range c.Graph.Strengths(c.Context()) {
		if err != nil {
			return err
		}
		p.Strengths = append(p.Strengths, strengthOf(o))
	}
	return c.Show(http.StatusOK, p)
}

type strengthPage struct { // strength.html
	console.Frame
	Strength strength
	Others   []string // combinations that the form does not list, and keeps
	Typed    string   // AAGUIDs as typed
	Remove   bool
	Refused  bool
}

// File implements console.Page.
func (strengthPage) File() string { return "strength.html" }

// Ways are all combinations that can be ticked.
func (strengthPage) Ways() []string { return combinations }

// Words is the key of the words for a combination.
func (strengthPage) Words(combination string) string { return key(combination) }

// Has reports whether a combination is ticked.
func (p strengthPage) Has(combination string) bool {
	return slices.Contains(p.Strength.Combinations, combination)
}

func strengthIn(c *console.Call) (strength, error) {
	id := c.R.PathValue("id")
	if id == "" {
		return strength{}, nil
	}
	o, err := c.Graph.Get(c.Context(), "policies", "authenticationStrengthPolicies", id)
	if err == nil && o.Text("policyType") == "builtIn" {
		return strength{}, console.ErrNowhere
	}
	return strengthOf(o), err
}

func askStrength(c *console.Call) error {
	p := strengthPage{Frame: c.Frame("access"), Remove: c.R.URL.Query().Get("remove") != ""}
	var err error
	if p.Strength, err = strengthIn(c); err != nil {
		return err
	}
	p.Typed = strings.Join(p.Strength.Models, "\n")
	return showStrength(c, http.StatusOK, p)
}

func showStrength(c *console.Call, status int, p strengthPage) error {
	for _, one := range p.Strength.Combinations {
		if !slices.Contains(combinations, one) {
			p.Others = append(p.Others, one)
		}
	}
	return c.Show(status, p)
}

func saveStrength(c *console.Call) error {
	if err := c.R.ParseForm(); err != nil {
		return err
	}
	old, err := strengthIn(c)
	if err != nil {
		return err
	}
	p := strengthPage{Frame: c.Frame("access"), Strength: old}
	if c.Form("do") == "remove" {
		if _, err = c.Graph.Matching(c.Form("etag")).Do(c.Context(), http.MethodDelete, nil, "policies", "authenticationStrengthPolicies", old.ID); err == nil {
			return c.Go(strengths, "access_strength_deleted")
		}
		p.Typed, p.Remove = strings.Join(old.Models, "\n"), true
	} else {
		p.Strength.Name, p.Strength.About, p.Strength.Combinations, p.Typed = c.Form("name"), c.Form("about"), c.R.Form["way"], c.R.FormValue("models")
		p.Strength.Models = words(p.Typed)
		if err = p.Strength.save(c, old); err == nil {
			return c.Go(strengths, "access_strength_saved")
		}
	}
	if p.Fault = console.Explain(err); p.Fault == nil {
		return err
	}
	p.Refused = p.Fault.Status == http.StatusConflict && !p.Remove && !c.Foreign()
	return showStrength(c, http.StatusBadRequest, p)
}

// fido is the configuration of models as Graph has it.
func fido(models []string) graphclient.Object {
	return graphclient.Object{
		"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": []string{"fido2"}, "allowedAAGUIDs": models,
	}
}

// save stores what differs from old. Graph has an address for each part; the first one is only
// changed if nobody else was quicker.
func (s strength) save(c *console.Call, old strength) error {
	force := func(body graphclient.Object) graphclient.Object {
		if c.Form("force") != "" {
			body["postern_force"] = true
		}
		return body
	}
	at := []string{"policies", "authenticationStrengthPolicies"}
	if old.ID == "" {
		body := graphclient.Object{"displayName": s.Name, "description": s.About, "allowedCombinations": list(s.Combinations)}
		if len(s.Models) > 0 {
			body["combinationConfigurations"] = []graphclient.Object{fido(s.Models)}
		}
		_, err := c.Graph.Do(c.Context(), http.MethodPost, body, at...)
		return err
	}
	at = append(at, old.ID)
	client := c.Graph.Matching(c.Form("etag"))
	do := func(method string, body any, more ...string) error {
		_, err := client.Do(c.Context(), method, body, append(slices.Clone(at), more...)...)
		client = c.Graph // the version is ours now
		return err
	}
	if s.Name != old.Name || s.About != old.About {
		if err := do(http.MethodPatch, force(graphclient.Object{"displayName": s.Name, "description": s.About})); err != nil {
			return err
		}
	}
	if !sameSet(s.Combinations, old.Combinations) {
		if err := do(http.MethodPost, force(graphclient.Object{"allowedCombinations": list(s.Combinations)}), "updateAllowedCombinations"); err != nil {
			return err
		}
	}
	switch {
	case sameSet(s.Models, old.Models):
		return nil
	case len(s.Models) == 0:
		return do(http.MethodDelete, nil, "combinationConfigurations", old.Part)
	case old.Part == "":
		return do(http.MethodPost, force(fido(s.Models)), "combinationConfigurations")
	}
	return do(http.MethodPatch, force(fido(s.Models)), "combinationConfigurations", old.Part)
}

func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(one string) bool { return !slices.Contains(b, one) })
}
