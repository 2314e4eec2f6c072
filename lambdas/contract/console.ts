/** Start of the addresses of the AWS console for a region. */
export function consoleOrigin(region: string): string {
  return `https://${consoleHost(region)}`;
}

function consoleHost(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  if (region.startsWith('us-gov-')) return 'console.amazonaws-us-gov.com';
  return `${region}.console.aws.amazon.com`;
}
