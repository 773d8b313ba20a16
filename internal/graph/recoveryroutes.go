package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/recovery"
)

// recoveryRoutes are the resources of recovery cases. Who may take a step depends on the case, and
// a refusal is part of its story: package recovery asks May itself.
func recoveryRoutes() []route {
	at := func(verb string) string { return "POST /postern/recovery/cases/{id}/" + verb }
	return []route{
		{"GET /postern/recovery/policy", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).getRecoveryPolicy},
		{"GET /postern/recovery/policy/history", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).recoveryPolicyHistory},
		{"PATCH /postern/recovery/policy", odata.Policies, directory.WriteMethodsPolicy, nil, (*API).patchRecoveryPolicy},
		{"GET /postern/recovery/cases", odata.Methods, directory.ReadCases, nil, (*API).listCases},
		{"POST /postern/recovery/cases", odata.Methods, "", nil, (*API).openCase},
		{"GET /postern/recovery/cases/{id}", odata.Methods, directory.ReadCases, nil, (*API).getCase},
		{"GET /postern/recovery/cases/{id}/timeline", odata.Methods, directory.ReadCases, nil, (*API).caseTimeline},
		{at("issue"), odata.Methods, "", nil, (*API).issueForCase},
		{at("prove"), odata.Methods, "", nil, onCase((*API).proveCase)},
		{at("approve"), odata.Methods, "", nil, onCase((*API).approveCase)},
		{at("vouch"), odata.Methods, "", nil, onCase((*API).vouchInCase)},
		{at("cancel"), odata.Methods, "", nil, plainStep(func(s *recovery.Service, c *call, x caseStep) (recovery.Case, error) {
			return s.Cancel(c.ctx(), x.ref, x.note, x.by)
		})},
		{at("refuse"), odata.Methods, "", nil, plainStep(func(s *recovery.Service, c *call, x caseStep) (recovery.Case, error) {
			return s.Refuse(c.ctx(), x.ref, x.note, x.by)
		})},
		{at("dispute"), odata.Methods, "", nil, plainStep(func(s *recovery.Service, c *call, x caseStep) (recovery.Case, error) {
			return s.Dispute(c.ctx(), x.ref, x.note, x.by)
		})},
		{at("release"), odata.Methods, "", nil, plainStep(func(s *recovery.Service, c *call, x caseStep) (recovery.Case, error) {
			return s.Release(c.ctx(), x.ref, x.note, x.by)
		})},
		{at("revert"), odata.Methods, "", nil, plainStep(func(s *recovery.Service, c *call, x caseStep) (recovery.Case, error) {
			return s.Revert(c.ctx(), x.ref, x.note, x.by)
		})},
	}
}
