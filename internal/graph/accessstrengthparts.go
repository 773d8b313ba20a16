package graph

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/access"
	"github.com/postern-id/postern/internal/graph/odata"
)

const fidoConfiguration = "#microsoft.graph.fido2CombinationConfiguration"

// configurationID is the id of the one configuration that s can have: which passkeys it takes.
func configurationID(s access.Strength) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("fido2/"+s.ID)).String()
}

func configurationResource(s access.Strength) odata.Entity {
	return odata.Entity{
		{Name: "@odata.type", Value: fidoConfiguration},
		{Name: "id", Value: configurationID(s)},
		{Name: "appliesToCombinations", Value: []string{access.FIDO2.String()}},
		{Name: "allowedAAGUIDs", Value: list(s.AAGUIDs)},
	}
}

// configurations are those of s.
func configurations(s access.Strength) []odata.Entity {
	if len(s.AAGUIDs) == 0 {
		return []odata.Entity{}
	}
	return []odata.Entity{configurationResource(s)}
}

// readConfiguration reads which models of passkeys s takes.
// https://learn.microsoft.com/graph/api/resources/fido2combinationconfiguration
func readConfiguration(o *odata.Object, s *access.Strength) {
	kind, applies := fidoConfiguration, []string{access.FIDO2.String()}
	_ = o.Raw("id")
	o.String("@odata.type", &kind)
	o.Strings("appliesToCombinations", &applies)
	if strings.TrimPrefix(kind, "#") != fidoConfiguration[1:] || !slices.Equal(applies, []string{access.FIDO2.String()}) {
		o.NotKept("@odata.type", "appliesToCombinations")
	}
	o.Strings("allowedAAGUIDs", &s.AAGUIDs)
	for i, one := range s.AAGUIDs {
		s.AAGUIDs[i] = strings.ToLower(one)
	}
}

// updateCombinations serves POST /policies/authenticationStrengthPolicies/{id}/updateAllowedCombinations.
// https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-updateallowedcombinations
func (a *API) updateCombinations(c *call) error {
	var before []string
	s, err := a.reshapeStrength(c, true, func(body *odata.Object, s *access.Strength) error {
		before = combinationTexts(*s)
		if !body.Has("allowedCombinations") {
			return odata.ErrMember.With("allowedCombinations", "allowedCombinations is missing.")
		}
		return readCombinations(body, &s.Combinations)
	})
	if err != nil {
		return err
	}
	there, err := a.accessRules(c)
	if err != nil {
		return err
	}
	references := []string{}
	for _, p := range there.Using(s.ID) {
		references = append(references, p.ID)
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: string(a.root(c)) + "/$metadata#microsoft.graph.updateAllowedCombinationsResult"},
		{Name: "previousCombinations", Value: before},
		{Name: "currentCombinations", Value: combinationTexts(s)},
		{Name: "conditionalAccessReferences", Value: references},
		{Name: "additionalInformation", Value: ""},
	})
}

func combinationTexts(s access.Strength) []string {
	all := make([]string, len(s.Combinations))
	for i, m := range s.Combinations {
		all[i] = m.String()
	}
	return all
}

// strengthUsage serves GET /policies/authenticationStrengthPolicies/{id}/usage: the policies that
// ask for it, by whether it comes to two factors.
// https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-usage
func (a *API) strengthUsage(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	s, there, err := a.strength(c)
	if err != nil {
		return err
	}
	by := map[string][]odata.Entity{"mfa": {}, "none": {}}
	for _, p := range there.Using(s.ID) {
		by[s.Satisfies()] = append(by[s.Satisfies()], accessPolicyResource(p, allStrengths(there)).Select(nil))
	}
	return odata.WriteJSON(c.w, 200, odata.Entity{
		{Name: "@odata.context", Value: string(a.root(c)) + "/$metadata#microsoft.graph.authenticationStrengthUsage"},
		{Name: "mfa", Value: by["mfa"]},
		{Name: "none", Value: by["none"]},
	})
}

// listStrengthConfigurations serves GET …/{id}/combinationConfigurations.
func (a *API) listStrengthConfigurations(c *call) error {
	o, err := odata.ParseOptions(c.r, odata.Allow{Properties: names(configurationResource(access.Strength{}))})
	if err != nil {
		return err
	}
	s, _, err := a.strength(c)
	if err != nil {
		return err
	}
	page := odata.Page[odata.Entity]{Context: a.root(c).Collection(odata.Within(strengthSet, s.ID, "combinationConfigurations"), o.Select)}
	for _, e := range configurations(s) {
		page.Value = append(page.Value, e.Select(o.Select))
	}
	return odata.WritePage(c.w, page)
}

// hasConfiguration finds the configuration that {configuration} names in s.
func hasConfiguration(c *call, s access.Strength) error {
	key, err := odata.ParseKey(c.r.PathValue("configuration"))
	if err != nil {
		return err
	}
	if len(s.AAGUIDs) == 0 || !strings.EqualFold(key.Value, configurationID(s)) {
		return access.ErrUnknownStrength.With("id", "There is no such combination configuration.")
	}
	return nil
}

// getStrengthConfiguration serves GET …/{id}/combinationConfigurations/{configuration}.
func (a *API) getStrengthConfiguration(c *call) error {
	if _, err := odata.ParseOptions(c.r, odata.Allow{}); err != nil {
		return err
	}
	s, _, err := a.strength(c)
	if err != nil {
		return err
	}
	if err := hasConfiguration(c, s); err != nil {
		return err
	}
	return a.writeConfiguration(c, 200, s)
}

func (a *API) writeConfiguration(c *call, status int, s access.Strength) error {
	return odata.WriteEntity(c.w, status, a.root(c).Entity(odata.Within(strengthSet, s.ID, "combinationConfigurations"), nil), configurationResource(s))
}

// createStrengthConfiguration serves POST …/{id}/combinationConfigurations.
// https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-post-combinationconfigurations
func (a *API) createStrengthConfiguration(c *call) error {
	s, err := a.reshapeStrength(c, true, func(body *odata.Object, s *access.Strength) error {
		there := len(s.AAGUIDs) > 0
		readConfiguration(body, s)
		if there {
			return access.ErrConfigurationExists
		}
		return needsModels(s)
	})
	if err != nil {
		return err
	}
	return a.writeConfiguration(c, 201, s)
}

// patchStrengthConfiguration serves PATCH …/{id}/combinationConfigurations/{configuration}.
func (a *API) patchStrengthConfiguration(c *call) error {
	s, err := a.reshapeStrength(c, true, func(body *odata.Object, s *access.Strength) error {
		missing := hasConfiguration(c, *s)
		readConfiguration(body, s)
		if missing != nil {
			return missing
		}
		return needsModels(s)
	})
	if err != nil {
		return err
	}
	return a.writeConfiguration(c, 200, s)
}

func needsModels(s *access.Strength) error {
	if len(s.AAGUIDs) == 0 {
		return access.ErrStrength.With("allowedAAGUIDs", "A configuration names at least one model of passkey.")
	}
	return nil
}

// deleteStrengthConfiguration serves DELETE …/{id}/combinationConfigurations/{configuration}:
// the strength takes every model of passkey again.
func (a *API) deleteStrengthConfiguration(c *call) error {
	if _, err := a.reshapeStrength(c, false, func(_ *odata.Object, s *access.Strength) error {
		err := hasConfiguration(c, *s)
		s.AAGUIDs = nil
		return err
	}); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}
