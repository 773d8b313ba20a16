package devices

import (
	"net/http"

	"github.com/postern-id/postern/internal/console"
	"github.com/postern-id/postern/internal/graphclient"
)

// savePolicy stores the draft: the policy first, then whom it is for. Who was overtaken sees what
// somebody else changed, and decides again.
func savePolicy(c *console.Call, p wizardPage, book catalog) error {
	var id string
	var err error
	if p.Draft.ID == "" {
		id, err = createPolicy(c, &p.Draft, book)
	} else {
		id = p.Draft.ID
		err = changePolicy(c, p.Draft, book)
	}
	if err == nil {
		return c.Go(settings+"/"+id, "policy_saved")
	}
	trouble := console.Explain(err)
	if trouble == nil || trouble.Status == http.StatusForbidden || trouble.Status == http.StatusNotFound {
		return err
	}
	status := http.StatusBadRequest
	if p.Fault, p.Step = trouble, "review"; trouble.Status == http.StatusPreconditionFailed {
		p.Fault, status = nil, http.StatusPreconditionFailed
	}
	return showStep(c, status, p, book)
}

// createPolicy stores a new policy. If its assignments are refused it is there, for nobody, and
// the draft is about it.
func createPolicy(c *console.Call, d *draft, book catalog) (string, error) {
	made, err := c.Graph.CreateDevicePolicy(c.Context(), d.policy(book))
	if err != nil {
		return "", err
	}
	id := made.Text("id")
	if len(d.Targets) == 0 {
		return id, nil
	}
	d.ID = id
	_, err = c.Graph.AssignDevicePolicy(c.Context(), id, graphTargets(d.Targets))
	return id, err
}

// changePolicy stores what differs, unless somebody else was quicker.
func changePolicy(c *console.Call, d draft, book catalog) error {
	stored, err := c.Graph.DevicePolicy(c.Context(), d.ID)
	if err != nil {
		return err
	}
	now := draftOf(stored, book)
	match := c.Graph.Matching(d.ETag)
	policy, old := d.policy(book), now.policy(book)
	if !sameJSON(policy, old) {
		if err := match.UpdateDevicePolicy(c.Context(), d.ID, policy); err != nil {
			return err
		}
		match = c.Graph // the version is ours now
	}
	if sameTargets(d.Targets, now.Targets) {
		return nil
	}
	_, err = match.AssignDevicePolicy(c.Context(), d.ID, graphTargets(d.Targets))
	return err
}

func graphTargets(all []target) []graphclient.Object {
	out := []graphclient.Object{}
	for _, t := range all {
		out = append(out, t.graph())
	}
	return out
}
