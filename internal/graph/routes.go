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

	{"GET /users", odata.Directory, directory.ReadUserBasic, nil, (*API).listUsers},
	{"POST /users", odata.Directory, directory.CreateUser, nil, (*API).createUser},
	{"GET /users/$count", odata.Directory, directory.ReadUserBasic, nil, (*API).countUsers},
	{"GET /users/{id}", odata.Directory, directory.ReadUserBasic, person, (*API).getUser},
	{"PATCH /users/{id}", odata.Directory, directory.UpdateUser, person, (*API).patchUser},
	{"DELETE /users/{id}", odata.Directory, directory.DeleteUser, person, (*API).deleteUser},
	{"GET /users/{id}/manager", odata.Directory, directory.ReadUser, person, (*API).getManager},
	{"PUT /users/{id}/manager/$ref", odata.Directory, directory.UpdateManager, person, (*API).putManager},
	{"DELETE /users/{id}/manager/$ref", odata.Directory, directory.UpdateManager, person, (*API).deleteManager},
	{"GET /users/{id}/directReports", odata.Directory, directory.ReadUser, person, (*API).listReports},
	{"GET /users/{id}/memberOf", odata.Directory, directory.ReadMemberships, person, (*API).listMemberOf},
	{"GET /users/{id}/memberOf/{cast}", odata.Directory, directory.ReadMemberships, person, (*API).listMemberOf},
	{"GET /users/{id}/transitiveMemberOf", odata.Directory, directory.ReadMemberships, person, (*API).listTransitiveMemberOf},
	{"GET /users/{id}/transitiveMemberOf/{cast}", odata.Directory, directory.ReadMemberships, person, (*API).listTransitiveMemberOf},
	{"POST /users/{id}/getMemberGroups", odata.Directory, directory.ReadMemberships, person, (*API).getMemberIDs},
	{"POST /users/{id}/getMemberObjects", odata.Directory, directory.ReadMemberships, person, (*API).getMemberIDs},
	{"POST /users/{id}/revokeSignInSessions", odata.Directory, directory.RevokeSessions, person, (*API).revokeSessions},

	{"GET /groups", odata.Directory, directory.ReadGroup, nil, (*API).listGroups},
	{"POST /groups", odata.Directory, directory.CreateGroup, nil, (*API).createGroup},
	{"GET /groups/$count", odata.Directory, directory.ReadGroup, nil, (*API).countGroups},
	{"GET /groups/{id}", odata.Directory, directory.ReadGroup, team, (*API).getGroup},
	{"PATCH /groups/{id}", odata.Directory, directory.UpdateGroup, team, (*API).patchGroup},
	{"DELETE /groups/{id}", odata.Directory, directory.DeleteGroup, team, (*API).deleteGroup},
	{"GET /groups/{id}/members", odata.Directory, directory.ReadGroup, team, (*API).listMembers},
	{"GET /groups/{id}/members/{cast}", odata.Directory, directory.ReadGroup, team, (*API).listMembers},
	{"GET /groups/{id}/transitiveMembers", odata.Directory, directory.ReadGroup, team, (*API).listTransitiveMembers},
	{"GET /groups/{id}/transitiveMembers/{cast}", odata.Directory, directory.ReadGroup, team, (*API).listTransitiveMembers},
	{"GET /groups/{id}/owners", odata.Directory, directory.ReadGroup, team, (*API).listOwners},
	{"GET /groups/{id}/memberOf", odata.Directory, directory.ReadGroup, team, (*API).listGroupMemberOf},
	{"POST /groups/{id}/members/$ref", odata.Directory, directory.ChangeMembers, team, (*API).addMember},
	{"DELETE /groups/{id}/members/{object}/$ref", odata.Directory, directory.ChangeMembers, team, (*API).removeMember},
	{"POST /groups/{id}/owners/$ref", odata.Directory, directory.ChangeMembers, team, (*API).addOwner},
	{"DELETE /groups/{id}/owners/{object}/$ref", odata.Directory, directory.ChangeMembers, team, (*API).removeOwner},

	// What these need depends on what the object is; each asks May itself.
	{"GET /directoryObjects/{id}", odata.Directory, "", nil, (*API).getObject},
	{"POST /directoryObjects/getByIds", odata.Directory, directory.ReadGroup, nil, (*API).getByIDs},
	{"GET /directory/deletedItems/{id}", odata.Directory, "", nil, (*API).getDeleted},
	{"DELETE /directory/deletedItems/{id}", odata.Directory, "", nil, (*API).purge},
	{"POST /directory/deletedItems/{id}/restore", odata.Directory, "", nil, (*API).restore},
	{"GET /directory/deletedItems/microsoft.graph.user", odata.Directory, directory.ReadDeletedUser, nil, (*API).listDeletedUsers},
	{"GET /directory/deletedItems/microsoft.graph.group", odata.Directory, directory.ReadDeletedGroup, nil, (*API).listDeletedGroups},

	{"GET /directoryRoles", odata.Directory, directory.ReadRoles, nil, (*API).listRoles},
	{"GET /directoryRoleTemplates", odata.Directory, directory.ReadRoles, nil, (*API).listRoles},
	{"GET /roleManagement/directory/roleDefinitions", odata.Directory, directory.ReadRoles, nil, (*API).listDefinitions},
	{"GET /roleManagement/directory/roleDefinitions/{id}", odata.Directory, directory.ReadRoles, nil, (*API).getDefinition},
	{"GET /roleManagement/directory/roleAssignments", odata.Directory, directory.ReadRoles, nil, (*API).listAssignments},
	{"POST /roleManagement/directory/roleAssignments", odata.Directory, directory.AssignRoles, nil, (*API).createAssignment},
	{"GET /roleManagement/directory/roleAssignments/{id}", odata.Directory, directory.ReadRoles, nil, (*API).getAssignment},
	{"DELETE /roleManagement/directory/roleAssignments/{id}", odata.Directory, directory.AssignRoles, nil, (*API).deleteAssignment},

	{"POST /$batch", odata.Directory, "", nil, (*API).batch},

	{"GET /auditLogs/signIns", odata.Logs, directory.ReadSignIns, nil, (*API).listSignIns},
	{"GET /auditLogs/signIns/{event}", odata.Logs, directory.ReadSignIns, nil, (*API).getSignIn},
	{"GET /auditLogs/directoryAudits", odata.Logs, directory.ReadAudits, nil, (*API).listAudits},
	{"GET /auditLogs/directoryAudits/{event}", odata.Logs, directory.ReadAudits, nil, (*API).getAudit},
}
