package graph

import (
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// routes is every resource, with the action that May is asked about.
var routes = []route{
	{"GET /users/{id}/authentication/temporaryAccessPassMethods", odata.Methods, directory.ReadPass, person, (*API).listPasses},
	{"POST /users/{id}/authentication/temporaryAccessPassMethods", odata.Methods, directory.IssuePass, person, (*API).createPass},
	{"GET /users/{id}/authentication/temporaryAccessPassMethods/{pass}", odata.Methods, directory.ReadPass, person, (*API).getPass},
	{"DELETE /users/{id}/authentication/temporaryAccessPassMethods/{pass}", odata.Methods, directory.DeletePass, person, (*API).deletePass},
	{"GET /users/{id}/authentication/methods", odata.Methods, directory.ReadMethods, person, (*API).listMethods},
	{"GET /users/{id}/authentication/methods/{method}", odata.Methods, directory.ReadMethods, person, (*API).getMethod},

	{"GET /policies/authenticationMethodsPolicy", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).getMethodsPolicy},
	{"GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).listConfigurations},
	{"GET /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{method}", odata.Policies, directory.ReadMethodsPolicy, nil, (*API).getConfiguration},
	{"PATCH /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{method}", odata.Policies, directory.WriteMethodsPolicy, nil, (*API).patchConfiguration},
	{"DELETE /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{method}", odata.Policies, directory.WriteMethodsPolicy, nil, (*API).resetConfiguration},
}
