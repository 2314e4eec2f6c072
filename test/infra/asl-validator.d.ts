/** What we use of asl-validator, which ships without types. */
declare module 'asl-validator' {
  interface AslError {
    readonly 'Error code': string;
    readonly Message: string;
  }
  function validate(definition: object): { isValid: boolean; errors: AslError[] };
  export = validate;
}
