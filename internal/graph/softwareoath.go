package graph

import (
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/totp"
)

// softwareOaths are the apps with codes. Their key never leaves the server.
// https://learn.microsoft.com/graph/api/resources/softwareoathauthenticationmethod
var softwareOaths = credentialSet{
	segment: "softwareOathMethods", kind: totp.MethodID,
	properties: []string{"id", "secretKey", "postern_displayName", "postern_createdDateTime", "postern_lastUsedDateTime"},
	resource: func(c method.Credential) odata.Entity {
		return odata.Entity{
			{Name: "@odata.type", Value: "#microsoft.graph.softwareOathAuthenticationMethod"},
			{Name: "id", Value: c.ID},
			{Name: "secretKey", Value: nil},
			{Name: "postern_displayName", Value: c.Name, OnSelect: true},
			{Name: "postern_createdDateTime", Value: odata.Time(c.CreatedAt), OnSelect: true},
			{Name: "postern_lastUsedDateTime", Value: odata.Time(c.UsedAt), OnSelect: true},
		}
	},
}
