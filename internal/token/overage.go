package token

// Overage says where to ask for claims that do not fit into a token (OpenID Connect Core
// section 5.6.2), in Entra's form.
type Overage struct {
	Names   map[string]string            `json:"_claim_names,omitempty"`
	Sources map[string]map[string]string `json:"_claim_sources,omitempty"`
}

// GroupsAt says that groups are asked for at endpoint.
func GroupsAt(endpoint string) *Overage {
	return &Overage{Names: map[string]string{"groups": "src1"}, Sources: map[string]map[string]string{"src1": {"endpoint": endpoint}}}
}
