package access

import "github.com/postern-id/postern/internal/fault"

// Faults of rules.
var (
	ErrUnknownPolicy = &fault.Error{
		Kind: fault.NotFound, Code: "accessPolicyUnknown",
		Text: "There is no such Conditional Access policy.", Remedy: "It may have been deleted meanwhile.",
	}
	ErrUnknownLocation = &fault.Error{
		Kind: fault.NotFound, Code: "accessLocationUnknown",
		Text: "There is no such named location.", Remedy: "It may have been deleted meanwhile.",
	}
	ErrUnknownStrength = &fault.Error{
		Kind: fault.NotFound, Code: "accessStrengthUnknown",
		Text: "There is no such authentication strength.", Remedy: "It may have been deleted meanwhile.",
	}
	ErrUnknownContext = &fault.Error{
		Kind: fault.NotFound, Code: "accessContextUnknown",
		Text: "There is no such authentication context.", Remedy: "It may have been deleted meanwhile.",
	}
	ErrConfigurationExists = &fault.Error{
		Kind: fault.Conflict, Code: "accessConfigurationExists",
		Text: "The strength already says which passkeys it takes.", Remedy: "Change what is there.",
	}
	ErrUnknownTemplate = &fault.Error{Kind: fault.NotFound, Code: "accessTemplateUnknown", Text: "There is no such template."}
	ErrBuiltIn         = &fault.Error{
		Kind: fault.Forbidden, Code: "accessStrengthBuiltIn",
		Text: "This authentication strength is built in; nobody changes or deletes it.", Remedy: "Make one of your own.",
	}
	ErrInUse = &fault.Error{
		Kind: fault.Conflict, Code: "accessRuleInUse",
		Text: "A Conditional Access policy uses this.", Remedy: "Take it out of the policy first.",
	}
	ErrTooMany = &fault.Error{
		Kind: fault.Invalid, Code: "accessRuleTooMany",
		Text: "The organisation has as many of these as one may have.", Remedy: "Delete one that is no longer used.",
	}
)
