package scim

import (
	"net/http"
	"strings"
)

func (a *API) address(parts ...string) string {
	return a.PublicURL + "/scim/v2" + strings.Join(parts, "/")
}

// config is what RFC 7643 section 5 and RFC 9865 section 4 tell a client.
func (a *API) config() map[string]any {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   supported(true),
		"bulk":    map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":  map[string]any{"supported": true, "maxResults": largestPage},
		"sort":    supported(true), "etag": supported(true), "changePassword": supported(false),
		"pagination": map[string]any{
			"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": usualPage, "maxPageSize": largestPage,
		},
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "OAuth 2.0", "primary": true, "specUri": "https://www.rfc-editor.org/info/rfc6750",
			"description": "An access token of this server, by the client credentials of an application with the permissions User.ReadWrite.All and Group.ReadWrite.All.",
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": a.address("", "ServiceProviderConfig")},
	}
}

func (a *API) getConfig(c *call) error {
	write(c.w, http.StatusOK, a.config())
	return nil
}

func (a *API) resourceType(k *kind) map[string]any {
	extensions := []any{}
	for _, x := range k.extensions {
		extensions = append(extensions, map[string]any{"schema": x.ID, "required": false})
	}
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": k.name, "name": k.name,
		"description": k.description, "endpoint": k.endpoint, "schema": k.core.ID, "schemaExtensions": extensions,
		"meta": map[string]any{"resourceType": "ResourceType", "location": a.address("", "ResourceTypes", k.name)},
	}
}

func (a *API) listTypes(c *call) error {
	return a.writeAll(c, []any{a.resourceType(users), a.resourceType(groups)})
}

func (a *API) getType(c *call) error {
	for _, k := range []*kind{users, groups} {
		if k.name == c.r.PathValue("id") {
			write(c.w, http.StatusOK, a.resourceType(k))
			return nil
		}
	}
	return ErrUnknown
}

func (a *API) schema(s resourceSchema) map[string]any {
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": s.ID, "name": s.Name, "description": s.Description,
		"attributes": s.Attributes, "meta": map[string]any{"resourceType": "Schema", "location": a.address("", "Schemas", s.ID)},
	}
}

var schemas = []resourceSchema{userSchema, enterpriseSchema, posternSchema, groupSchema}

func (a *API) listSchemas(c *call) error {
	all := []any{}
	for _, s := range schemas {
		all = append(all, a.schema(s))
	}
	return a.writeAll(c, all)
}

func (a *API) getSchema(c *call) error {
	for _, s := range schemas {
		if strings.EqualFold(s.ID, c.r.PathValue("id")) {
			write(c.w, http.StatusOK, a.schema(s))
			return nil
		}
	}
	return ErrUnknown
}

// writeAll answers with a list that is always whole. RFC 7644 section 4 wants no filter here.
func (a *API) writeAll(c *call, all []any) error {
	if c.r.URL.Query().Has("filter") {
		return ErrNoFilter
	}
	write(c.w, http.StatusOK, map[string]any{
		"schemas": []string{urnList}, "totalResults": len(all), "itemsPerPage": len(all), "startIndex": 1, "Resources": all,
	})
	return nil
}
