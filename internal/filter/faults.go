package filter

import "github.com/postern-id/postern/internal/fault"

// What can be wrong with a $filter, $orderby or $search. None of the texts repeats a value
// that was compared with: only names, operators and places.
var (
	// ErrSyntax reports a $filter that does not follow the grammar.
	ErrSyntax = &fault.Error{
		Kind: fault.Invalid, Code: "filterSyntax",
		Text:   "The filter is not understood.",
		Remedy: "Text goes in single quotes, and a single quote inside it is written twice.",
	}
	// ErrOrderBySyntax reports an $orderby that does not follow the grammar.
	ErrOrderBySyntax = &fault.Error{
		Kind: fault.Invalid, Code: "orderBySyntax",
		Text:   "The sort order is not understood.",
		Remedy: "Separate properties by commas, each with asc or desc after it if needed.",
	}
	// ErrSearchSyntax reports a $search that does not follow the grammar.
	ErrSearchSyntax = &fault.Error{
		Kind: fault.Invalid, Code: "searchSyntax",
		Text:   "The search is not understood.",
		Remedy: `Write "property:words" with the double quotes, joined by AND or OR.`,
	}
	// ErrScimSyntax reports a filter or path of SCIM that does not follow the grammar.
	ErrScimSyntax = &fault.Error{
		Kind: fault.Invalid, Code: "scimFilterSyntax",
		Text:   "The filter is not understood.",
		Remedy: `Write it like userName eq "ida@contoso.example" and active eq true.`,
	}
	// ErrTooComplex reports a text beyond one of the limits of this package.
	ErrTooComplex = &fault.Error{
		Kind: fault.Invalid, Code: "filterTooComplex",
		Text:   "The query is too large.",
		Remedy: "Ask for less at a time.",
	}
	// ErrUnknownProperty reports a name that the schema does not have.
	ErrUnknownProperty = &fault.Error{
		Kind: fault.Invalid, Code: "filterUnknownProperty",
		Text: "There is no such property here.",
	}
	// ErrType reports a value that the property can't be compared with.
	ErrType = &fault.Error{
		Kind: fault.Invalid, Code: "filterType",
		Text: "The value does not fit the property.",
	}
	// ErrRuleSyntax reports a membership rule that does not follow the grammar.
	ErrRuleSyntax = &fault.Error{
		Kind: fault.Invalid, Code: "ruleSyntax",
		Text:   "The membership rule is not understood.",
		Remedy: `Write it like (device.deviceOSType -eq "Linux") and (device.displayName -startsWith "LAP-").`,
	}
	// ErrPattern reports a regular expression that can't be used.
	ErrPattern = &fault.Error{
		Kind: fault.Invalid, Code: "rulePattern",
		Text: "The pattern is not understood.", Remedy: "Write it as RE2 does: https://github.com/google/re2/wiki/Syntax.",
	}
	// ErrUnsupported reports a property that has no index, or not for this operator.
	// Graph's code for it is Request_UnsupportedQuery.
	ErrUnsupported = &fault.Error{
		Kind: fault.Unsupported, Code: "unsupportedQuery",
		Text: "This property can't be used like that.",
	}
)
