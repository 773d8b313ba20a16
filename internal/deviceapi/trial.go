package deviceapi

import (
	"crypto/x509"
	"net/http"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/pinkey"
	"github.com/postern-id/postern/internal/recovery/drill"
)

// trial serves GET /device/v1/{tenant}/trials/{id}: what the key on trial of a drill is made from.
func (a *API) trial(c *call) (int, any, error) {
	p, reset, err := a.Drills.Trial(c.Context(), c.device, c.Request.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	key, err := x509.MarshalPKIXPublicKey(reset)
	return http.StatusOK, device.ContainerAnswer{ID: p.Trial.ID, ResetKey: key, ResetVersion: p.Trial.Version, Challenge: p.Trial.Challenge}, err
}

// endTrial serves PUT /device/v1/{tenant}/trials/{id}: the key on trial, which is looked at and
// forgotten.
func (a *API) endTrial(c *call) (int, any, error) {
	var in device.TrialRequest
	if err := c.Read(&in); err != nil {
		return 0, nil, err
	}
	told, err := a.Drills.EndTrial(c.Context(), c.device, c.Request.PathValue("id"), drill.Shown{
		Creation:  pinkey.Creation{Public: in.Public, CertifyInfo: in.CertifyInfo, Signature: in.Signature},
		Signature: in.By, Failed: in.Failed,
	}, c.Facts().CorrelationID)
	if err != nil {
		return 0, nil, err
	}
	out := device.TrialAnswer{Worked: told.Worked, Steps: []device.TrialStep{}}
	for _, one := range told.Steps {
		result := drill.StepFailed
		switch {
		case one.Passed:
			result = drill.StepPassed
		case one.Untried:
			result = drill.NotTried
		}
		out.Steps = append(out.Steps, device.TrialStep{Name: one.Name, Result: string(result), Code: one.Code, Text: one.Text})
	}
	return http.StatusOK, out, nil
}
