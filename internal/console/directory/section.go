// Package directory is the console's part about groups, roles and applications: their lists and
// pages, who belongs to them, what a role comes to before somebody gets it, what an application
// may do, and what was deleted and can come back.
package directory

import (
	"embed"

	"github.com/postern-id/postern/internal/console"
)

//go:embed *.html words/*.json
var files embed.FS

// The names of directory's actions that open a page.
var (
	readGroups       = []string{"readGroup"}
	makeGroups       = []string{"createGroup", "changeRoleGroup"}
	readDeletedGroup = []string{"readDeletedGroup"}
	readRoles        = []string{"readRoles"}
	assignRoles      = []string{"assignRoles"}
	readApps         = []string{"readApplications"}
	makeApps         = []string{"createApplication"}
	readGrants       = []string{"readGrants"}
	assignApps       = []string{"assignAppRoles"}
)

// Section returns the pages of groups, roles and applications. Where a page needs more than its
// route says, because owners may do it, too, the page asks itself; Graph decides in any case.
func Section() console.Section {
	return console.Section{Name: "directory", Files: files, Routes: []console.Route{
		{Pattern: "GET /console/groups", Needs: readGroups, Serve: listGroups},
		{Pattern: "GET /console/groups/new", Needs: makeGroups, Serve: newGroup},
		{Pattern: "POST /console/groups/new", Needs: makeGroups, Serve: createGroup},
		{Pattern: "GET /console/groups/deleted", Needs: readDeletedGroup, Serve: listDeleted(groups)},
		{Pattern: "POST /console/groups/deleted/{id}/restore", Needs: readDeletedGroup, Serve: restore(groups)},
		{Pattern: "GET /console/groups/deleted/{id}/purge", Needs: readDeletedGroup, Serve: askPurge(groups)},
		{Pattern: "POST /console/groups/deleted/{id}/purge", Needs: readDeletedGroup, Serve: purge(groups)},
		{Pattern: "GET /console/groups/{id}", Needs: readGroups, Serve: showGroup},
		{Pattern: "GET /console/groups/{id}/edit", Needs: readGroups, Serve: editGroup},
		{Pattern: "POST /console/groups/{id}/edit", Needs: readGroups, Serve: updateGroup},
		{Pattern: "GET /console/groups/{id}/delete", Needs: readGroups, Serve: askDelete(groups)},
		{Pattern: "POST /console/groups/{id}/delete", Needs: readGroups, Serve: remove(groups)},
		{Pattern: "GET /console/groups/{id}/{list}/add", Needs: readGroups, Serve: askAdd(groups)},
		{Pattern: "POST /console/groups/{id}/{list}/add", Needs: readGroups, Serve: add(groups)},
		{Pattern: "POST /console/groups/{id}/{list}/remove", Needs: readGroups, Serve: takeOut(groups)},

		{Pattern: "GET /console/roles", Needs: readRoles, Serve: listRoles},
		{Pattern: "GET /console/roles/{id}", Needs: readRoles, Serve: showRole},
		{Pattern: "GET /console/roles/{id}/assign", Needs: assignRoles, Serve: chooseHolder},
		{Pattern: "GET /console/roles/{id}/assign/{principal}", Needs: assignRoles, Serve: askAssign},
		{Pattern: "POST /console/roles/{id}/assign/{principal}", Needs: assignRoles, Serve: assign},
		{Pattern: "GET /console/roles/{id}/take/{assignment}", Needs: assignRoles, Serve: askTake},
		{Pattern: "POST /console/roles/{id}/take/{assignment}", Needs: assignRoles, Serve: take},

		{Pattern: "GET /console/applications", Needs: readApps, Serve: listApplications},
		{Pattern: "GET /console/applications/new", Needs: makeApps, Serve: newApplication},
		{Pattern: "POST /console/applications/new", Needs: makeApps, Serve: createApplication},
		{Pattern: "GET /console/applications/deleted", Needs: readApps, Serve: listDeleted(applications)},
		{Pattern: "POST /console/applications/deleted/{id}/restore", Needs: readApps, Serve: restore(applications)},
		{Pattern: "GET /console/applications/deleted/{id}/purge", Needs: readApps, Serve: askPurge(applications)},
		{Pattern: "POST /console/applications/deleted/{id}/purge", Needs: readApps, Serve: purge(applications)},
		{Pattern: "GET /console/applications/{id}", Needs: readApps, Serve: showApplication},
		{Pattern: "GET /console/applications/{id}/edit", Needs: readApps, Serve: editApplication},
		{Pattern: "POST /console/applications/{id}/edit", Needs: readApps, Serve: updateApplication},
		{Pattern: "GET /console/applications/{id}/delete", Needs: readApps, Serve: askDelete(applications)},
		{Pattern: "POST /console/applications/{id}/delete", Needs: readApps, Serve: remove(applications)},
		{Pattern: "GET /console/applications/{id}/saml", Needs: readApps, Serve: editSAML},
		{Pattern: "POST /console/applications/{id}/saml", Needs: readApps, Serve: updateSAML},
		{Pattern: "POST /console/applications/{id}/switch", Needs: readApps, Serve: switchApplication},
		{Pattern: "GET /console/applications/{id}/secrets/new", Needs: readApps, Serve: askSecret},
		{Pattern: "POST /console/applications/{id}/secrets/new", Needs: readApps, Serve: addSecret},
		{Pattern: "GET /console/applications/{id}/secrets/made", Needs: readApps, Serve: showSecret},
		{Pattern: "GET /console/applications/{id}/secrets/{key}/remove", Needs: readApps, Serve: askRemoveSecret},
		{Pattern: "POST /console/applications/{id}/secrets/{key}/remove", Needs: readApps, Serve: removeSecret},
		{Pattern: "GET /console/applications/{id}/certificates/new", Needs: readApps, Serve: askCertificate},
		{Pattern: "POST /console/applications/{id}/certificates/new", Needs: readApps, Serve: addCertificate},
		{Pattern: "POST /console/applications/{id}/certificates/{key}/remove", Needs: readApps, Serve: removeCertificate},
		{Pattern: "GET /console/applications/{id}/permissions/new", Needs: readApps, Serve: askPermission},
		{Pattern: "POST /console/applications/{id}/permissions/new", Needs: readApps, Serve: grantPermission},
		{Pattern: "POST /console/applications/{id}/permissions/remove", Needs: readApps, Serve: removePermission},
		{Pattern: "GET /console/applications/{id}/assigned", Needs: readGrants, Serve: listAssigned},
		{Pattern: "GET /console/applications/{id}/assigned/{role}/add", Needs: assignApps, Serve: pickAssigned},
		{Pattern: "POST /console/applications/{id}/assigned/{role}/add", Needs: assignApps, Serve: assignTo},
		{Pattern: "POST /console/applications/{id}/assigned/remove", Needs: assignApps, Serve: unassign},
		{Pattern: "POST /console/applications/{id}/assigned/open", Needs: readApps, Serve: openTo},
		{Pattern: "GET /console/applications/{id}/{list}/add", Needs: readApps, Serve: askAdd(applications)},
		{Pattern: "POST /console/applications/{id}/{list}/add", Needs: readApps, Serve: add(applications)},
		{Pattern: "POST /console/applications/{id}/{list}/remove", Needs: readApps, Serve: takeOut(applications)},
	}}
}
